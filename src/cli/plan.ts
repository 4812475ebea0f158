import type { Json } from '../json.ts'
import { defaults, encodeSpace, leaves, spaceSpec, type Leaf, type Params } from '../space.ts'
import type { Study } from '../study.ts'
import type { Slot } from '../trials/executor.ts'
import { describeConstraint } from '../trial.ts'
import { count, number, paramsLine, paramValue, table, wrap } from './format.ts'
import { atBounds } from './bounds.ts'
import type { Terminal } from './terminal.ts'

/** What a run would do: `--dry-run`. */
export function planText(study: Study, slots: readonly Slot[], terminal: Terminal): string {
  const rows = leaves(spaceSpec(study.space), baselineOf(study)).map(({ name, spec, value, active }) => [
    name,
    rangeText(spec),
    active ? paramValue(value) : '-',
  ])
  const goals = study.goals.map(({ direction, metric }) => `${direction} ${metric}`).join(', ')
  const settings = paramsLine(study.settings)
  const { trials, steps } = study.budget
  const lines = [
    `${study.name}: ${goals}${study.constraints.map((one) => `, keeping ${describeConstraint(one)}`).join('')}`,
    table(['parameter', 'range', 'baseline'], rows, [0, 1, 2]),
    ...(settings ? [`settings: ${settings}`] : []),
    `budget: ${count(trials, 'trial')}${steps === undefined ? '' : ` of ${count(steps, 'report')}`}, seed ${study.seed}`,
    `search: ${study.sampler?.name ?? 'tpe'}, ${study.pruner ? `stopped early by ${study.pruner.name}` : 'nothing is stopped early'}`,
    `slots: ${slots.length} on ${[...new Set(slots.map(({ device }) => device.kind))].join(', ')}, CPU threads each: ${slots[0]?.device.threads ?? 1}`,
    ...baselineWarnings(study).map((text) => `${terminal.paint('yellow', 'warning')}  ${text}`),
  ]
  return `${lines.map((line) => (line.includes('\n') ? line : wrap(line, terminal.columns, '  '))).join('\n')}\n`
}

export function planJson(study: Study, slots: readonly Slot[]): Json {
  return {
    study: study.name,
    goals: study.goals.map((goal) => ({ ...goal })),
    constraints: study.constraints.map((constraint) => ({ ...constraint })),
    space: spaceSpec(study.space) as unknown as Json,
    baseline: baselineOf(study),
    settings: study.settings,
    budget: { ...study.budget },
    seed: study.seed,
    sampler: study.sampler?.name ?? 'tpe',
    pruner: study.pruner?.name ?? null,
    slots: slots.map(({ index, device }) => ({ index, device: { ...device } })),
    warnings: baselineWarnings(study),
  }
}

/** A baseline in a corner of the box makes a search lopsided: it was why a well-known loss-weight search went wrong. */
export function baselineWarnings(study: Study): readonly string[] {
  // The default of an ordinal is its first option, an end of its own accord.
  const space = Object.fromEntries(Object.entries(study.space).filter(([, { spec }]) => spec.kind !== 'ordinal'))
  const params = defaults(space) as Params
  const lopsided = atBounds({ ...study, space }, { params, point: encodeSpace(space, params) })
  return lopsided.map((text) => `the default of ${text}: search on both sides of it`)
}

function baselineOf(study: Study): Params {
  return defaults(study.space) as Params
}

function rangeText(spec: Leaf['spec']): string {
  if ('choices' in spec) return spec.choices.map((option) => JSON.stringify(option)).join(' | ')
  return `${number(spec.low)} to ${number(spec.high)}${spec.kind.startsWith('log') ? ', log' : ''}${spec.step === undefined ? '' : ` by ${number(spec.step)}`}`
}
