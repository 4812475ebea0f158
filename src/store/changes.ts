import { TuneError } from '../errors.ts'
import { canonicalJson } from '../json.ts'
import { describeSpec, fitParams } from '../space.ts'
import { describeConstraint, type Constraint, type Goal } from '../trial.ts'
import type { StudyRecord } from './store.ts'

/**
 * Says that a study is not the one stored, and what is different. A changed definition makes the earlier trials another
 * study's; a changed space or changed code only may, which its user knows best: the changes of the space that were
 * accepted, each in words.
 */
export function checkUnchanged(
  stored: StudyRecord,
  now: StudyRecord,
  options: { acceptCodeChange: boolean },
): readonly string[] {
  const space = spaceChanges(stored, now)
  const baseline = baselineChanges(stored, now)
  const others = otherChanges(stored, now)
  if (others.length > 0 || baseline.length > 0) {
    const mend = baseline.length > 0 ? `keep its baseline, ${baseline.join(', ')}` : 'put that back'
    throw new TuneError(
      'study/changed',
      `${now.name} was started as another study: ${[...space, ...others].join('; ')}`,
      {
        hint: `its trials stay as they are: ${mend}, or start another study by --name ${now.name}-2`,
      },
    )
  }
  if (options.acceptCodeChange || (stored.codeHash === now.codeHash && space.length === 0)) return space
  const what = space.length > 0 ? `another space: ${space.join('; ')}` : 'other code: its study file, or a file that it imports, was edited since' // prettier-ignore
  throw new TuneError('study/changed', `${now.name} was started with ${what}`, {
    hint: `its trials stay as they are: start another study by --name ${now.name}-2, or pass --accept-code-change if they can still be compared`,
  })
}

/** Every difference between two studies but those of their spaces and code, each in words. */
function otherChanges(was: StudyRecord, is: StudyRecord): readonly string[] {
  return [
    ...goalChanges(was.goals, is.goals),
    ...constraintChanges(was.constraints, is.constraints),
    ...settingChanges(was, is),
    ...seedChange(was, is),
    ...stepsChange(was, is),
  ]
}

/** The defaults that a changed space would need to keep the baseline, which may only gain and lose parameters. */
function baselineChanges({ space: was }: StudyRecord, { space: is }: StudyRecord): readonly string[] {
  const before = Object.fromEntries(Object.entries(was).map(([name, spec]) => [name, spec.default]))
  const kept = fitParams(is, before)
  return Object.entries(is).flatMap(([name, spec]) => {
    const isSame = canonicalJson(kept[name] ?? null) === canonicalJson(spec.default)
    return isSame ? [] : [`'${name}' at its default ${JSON.stringify(kept[name])}`]
  })
}

function goalChanges(was: readonly Goal[], is: readonly Goal[]): readonly string[] {
  const [before, after] = [describeGoals(was), describeGoals(is)]
  return before === after ? [] : [`the goal was ${before}, is ${after}`]
}

function describeGoals(goals: readonly Goal[]): string {
  return goals.map(({ direction, metric }) => `${direction}('${metric}')`).join(', ')
}

function constraintChanges(was: readonly Constraint[], is: readonly Constraint[]): readonly string[] {
  const [before, after] = [describeConstraints(was), describeConstraints(is)]
  return before === after ? [] : [`the constraints were ${before || 'none'}, are ${after || 'none'}`]
}

function describeConstraints(constraints: readonly Constraint[]): string {
  return constraints.map(describeConstraint).join(', ')
}

function spaceChanges({ space: was }: StudyRecord, { space: is }: StudyRecord): readonly string[] {
  return differences(was, is, describeSpec)
}

function settingChanges({ settings: was }: StudyRecord, { settings: is }: StudyRecord): readonly string[] {
  return differences(was, is, (value) => JSON.stringify(value)).map((change) => `setting ${change}`)
}

function seedChange({ seed: was }: StudyRecord, { seed: is }: StudyRecord): readonly string[] {
  return was === is ? [] : [`the seed was ${was}, is ${is}`]
}

/** Trials of different lengths cannot be compared. What an older version did not store counts as the same. */
function stepsChange({ steps: was }: StudyRecord, { steps: is }: StudyRecord): readonly string[] {
  return was === undefined || was === is ? [] : [`budget.steps was ${was ?? 'missing'}, is ${is ?? 'missing'}`]
}

/** Named values that differ, in words: those that changed or went away, then those that are new. */
function differences<T>(
  was: Readonly<Record<string, T>>,
  is: Readonly<Record<string, T>>,
  describe: (value: T) => string,
): readonly string[] {
  // prettier-ignore
  const kept = Object.entries(was).flatMap(([name, before]) => {
    const after = Object.hasOwn(is, name) ? is[name] : undefined
    if (after === undefined) return [`'${name}' was ${describe(before)}, is gone`]
    return describe(before) === describe(after) ? [] : [`'${name}' was ${describe(before)}, is ${describe(after)}`]
  })
  const added = Object.entries(is).filter(([name]) => !Object.hasOwn(was, name))
  return [...kept, ...added.map(([name, value]) => `'${name}' is new: ${describe(value)}`)]
}
