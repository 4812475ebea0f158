import { inspect } from 'node:util'
import { messageOf, nearest, TuneError } from '../errors.ts'
import { defaults, encodeSpace, type Params, type Space } from '../space.ts'
import type { Study } from '../study.ts'
import { halfSpacesOf } from '../weighted_sum.ts'
import { brokenBy } from './allowed.ts'
import { derivedOf } from './derived.ts'

/** The default export of a study file, checked: TypeScript's checks do not reach a file that is only bundled. */
export function parseStudy(value: unknown, file: string): Study {
  const refuse = (problem: string, hint?: string): never => {
    throw new TuneError('study/invalid', `${file}: ${problem}`, hint === undefined ? {} : { hint })
  }
  if (value === undefined) refuse('it has no default export', 'write: export default defineStudy({ ... })')
  if (!isRecord(value))
    return refuse(`its default export is ${show(value)}, no study`, 'write: export default defineStudy({ ... })')

  const unknown = Object.keys(value).find((key) => !Object.hasOwn(CHECKS, key))
  if (unknown !== undefined) {
    const near = nearest(unknown, Object.keys(CHECKS))
    refuse(
      `a study has no '${unknown}'`,
      near ? `did you mean '${near}'?` : `it may have ${Object.keys(CHECKS).join(', ')}`,
    )
  }
  for (const [key, check] of Object.entries(CHECKS)) {
    const problem = check(value[key])
    if (problem !== undefined) refuse(problem)
  }
  const study = value as unknown as Study
  if (study.pruner && study.budget.steps === undefined)
    refuse(
      'a pruner needs budget.steps: it must know which report is the last',
      'write budget: { trials: 24, steps: 12 }',
    )
  const single = (['target', 'patience'] as const).find((name) => study.budget[name] !== undefined)
  if (single && study.goals.length > 1)
    refuse(`budget.${single} is about one goal, and this study has ${study.goals.length}`)
  halfSpacesOf(study.space, study.where)
  for (const [i, params] of study.first.entries()) checkPoint(study, params, `${file}: first[${i}]`)
  derivedOf(study, defaults(study.space) as Params)
  checkPoint(study, defaults(study.space), `${file}: the baseline, every parameter at its default,`)
  return study
}

/** Throws where params that the study itself names are not in its space, or not allowed. */
export function checkPoint(study: Study, params: Readonly<Record<string, unknown>>, what: string): void {
  try {
    encodeSpace(study.space, params)
  } catch (error) {
    throw new TuneError('params/invalid', `${what}: ${messageOf(error)}`, { cause: error })
  }
  const broken = brokenBy(study, params as Params)
  if (broken !== undefined) throw new TuneError('params/invalid', `${what} is not allowed by where '${broken}'`)
}

type Check = (value: unknown) => string | undefined

/** A study's fields in the order in which their mistakes are told. */
const CHECKS: Readonly<Record<keyof Study, Check>> = {
  name: checkName,
  goals: checkGoals,
  constraints: checkConstraints,
  space: checkSpace,
  objective: (value) => (isFunction(value) ? undefined : `objective is ${show(value)}, no async generator: write async *objective(params, trial) { ... }`), // prettier-ignore
  where: (value) => (isRecord(value) && Object.values(value).every(isFunction) ? undefined : `where is ${show(value)}: write where: ({ batch, size }) => batch * size <= 4096`), // prettier-ignore
  budget: checkBudget,
  settings: checkSettings,
  seed: (value) => (isCount(value, 0) ? undefined : `seed is ${show(value)}, no whole number of 0 or more`),
  first: (value) =>
    Array.isArray(value) && value.every(isRecord) ? undefined : `first is ${show(value)}, no list of points`,
  derive: optional((value) => (isFunction(value) ? undefined : `derive is ${show(value)}, no function`)),
  prepare: optional((value) => (isFunction(value) ? undefined : `prepare is ${show(value)}, no function`)),
  sampler: optional((value) => (isRecord(value) && isFunction(value['suggest']) ? undefined : `sampler is ${show(value)}, no sampler such as tpe()`)), // prettier-ignore
  pruner: optional((value) => (isRecord(value) && isFunction(value['judge']) ? undefined : `pruner is ${show(value)}, no pruner such as asha()`)), // prettier-ignore
  startFrom: optional((value) => (typeof value === 'string' && value !== '' ? undefined : `startFrom is ${show(value)}, no name of a study`)), // prettier-ignore
  executor: optional((value) => (value === 'inline' || value === 'threads' || value === 'processes' ? undefined : `executor is ${show(value)}, none of 'threads', 'processes' and 'inline'`)), // prettier-ignore
}

/** A study's name is a directory's; those with a dot in front, and `cache`, are ours. */
function checkName(name: unknown): string | undefined {
  if (typeof name !== 'string' || name === '') return `name is ${show(name)}: a study needs one`
  if (!/^[A-Za-z0-9_][A-Za-z0-9_.-]*$/.test(name)) return `name '${name}' may only have letters, digits, '_', '-' and '.', and no '.' or '-' in front` // prettier-ignore
  return name === 'cache' ? `name 'cache' is a directory of ours in the results` : undefined
}

function checkGoals(goals: unknown): string | undefined {
  if (!Array.isArray(goals) || goals.length === 0 || !goals.every(isRecord)) return `goal is ${show(Array.isArray(goals) ? goals[0] : goals)}: write goal: maximize('pq')` // prettier-ignore
  const metrics = goals.map(({ metric }) => metric)
  const bad = goals.find(
    ({ direction, metric }) =>
      !/^(maximize|minimize)$/.test(String(direction)) || typeof metric !== 'string' || metric === '',
  )
  if (bad) return `goal ${show(bad)} names no metric: write maximize('pq')`
  const error = metrics.find((metric): metric is string => typeof metric === 'string' && metric.endsWith('_se'))
  if (error !== undefined) return `goal '${error}' is the standard error of another metric: write maximize('${error.slice(0, -3)}')` // prettier-ignore
  return new Set(metrics).size < metrics.length ? `two goals name the same metric` : undefined
}

function checkConstraints(constraints: unknown): string | undefined {
  if (!Array.isArray(constraints))
    return `constraints is ${show(constraints)}: write constraints: [atMost('memory', 4000)]`
  const bad: unknown = constraints.find((one: unknown) => !isConstraint(one))
  return bad === undefined
    ? undefined
    : `constraint ${show(bad)} is no finite bound on a metric: write atMost('memory', 4000)`
}

function isConstraint(value: unknown): boolean {
  return isRecord(value) && typeof value['metric'] === 'string' && Number.isFinite(value['atMost'] ?? value['atLeast'])
}

function checkSpace(space: unknown): string | undefined {
  if (!isRecord(space)) return `space is ${show(space)}: write space: { lr: loguniform(1e-5, 1e-2) }`
  const bad = Object.entries(space).find(([, param]) => !isParam(param))
  return bad && `space: '${bad[0]}' is ${show(bad[1])}, no parameter such as loguniform(1e-5, 1e-2)`
}

function isParam(value: unknown): value is Space[string] {
  return isRecord(value) && isFunction(value['encode']) && isFunction(value['decode']) && isRecord(value['spec'])
}

function checkBudget(budget: unknown): string | undefined {
  if (!isRecord(budget)) return `budget is ${show(budget)}: write budget: { trials: 24 }`
  const { trials, steps, trialSeconds, failures, patience, hours, deviceHours, target } = budget
  if (!isCount(trials, 1)) return `budget.trials is ${show(trials)}, no whole number of 1 or more`
  if (steps !== undefined && !isCount(steps, 1)) return `budget.steps is ${show(steps)}, no whole number of 1 or more`
  for (const [name, value] of Object.entries({ failures, patience })) {
    if (value !== undefined && !isCount(value, 1))
      return `budget.${name} is ${show(value)}, no whole number of 1 or more`
  }
  for (const [name, value] of Object.entries({ hours, deviceHours })) {
    if (value !== undefined && !(typeof value === 'number' && value > 0)) return `budget.${name} is ${show(value)}, no number above 0` // prettier-ignore
  }
  if (target !== undefined && !Number.isFinite(target)) return `budget.target is ${show(target)}, no finite number`
  if (trialSeconds !== undefined && !(typeof trialSeconds === 'number' && trialSeconds > 0)) return `budget.trialSeconds is ${show(trialSeconds)}, no number above 0` // prettier-ignore
  if (trialSeconds !== undefined && trialSeconds > MOST_SECONDS) return `budget.trialSeconds is ${trialSeconds}, more than ${MOST_SECONDS}` // prettier-ignore
  return undefined
}

/** What a timer can wait: 2 ** 31 - 1 milliseconds. */
const MOST_SECONDS = 2_147_483

function checkSettings(settings: unknown): string | undefined {
  if (!isRecord(settings)) return `settings is ${show(settings)}, no object`
  const bad = Object.entries(settings).find(
    ([, value]) => !/^(string|boolean)$/.test(typeof value) && !Number.isFinite(value),
  )
  return bad && `settings: '${bad[0]}' is ${show(bad[1])}, neither text, a finite number nor a boolean`
}

function optional(check: Check): Check {
  return (value) => (value === undefined ? undefined : check(value))
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isFunction(value: unknown): boolean {
  return typeof value === 'function'
}

function isCount(value: unknown, from: number): boolean {
  return Number.isSafeInteger(value) && Number(value) >= from
}

function show(value: unknown): string {
  return value === undefined ? 'missing' : inspect(value, { breakLength: Infinity, depth: 1 })
}
