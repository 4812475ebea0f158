import { TuneError } from '../errors.ts'
import { canonicalJson } from '../json.ts'
import { placeIn } from '../space.ts'
import type { Store, StoredStudy } from '../store/store.ts'
import type { Study } from '../study.ts'
import { hasEnded, type Goal, type Trial } from '../trial.ts'

/**
 * The trials of the study that this one starts from, with numbers below 0: those that lie in its space and had reported
 * all they did before its own first trial began, so that a continued study sees the same ones.
 */
export function earlierTrials({ name, startFrom, goals, space }: Study, store: Store): readonly Trial[] {
  if (startFrom === undefined) return []
  if (startFrom === name) throw new TuneError('study/invalid', `${name} starts from itself: its own trials it knows anyway`) // prettier-ignore
  const all = store.list()
  const other = all.find(({ record }) => record.name === startFrom)
  if (!other) throw unknown(name, startFrom, all)
  if (goalsText(other.record.goals) !== goalsText(goals)) {
    throw new TuneError('study/invalid', `${name} starts from '${startFrom}', which has other goals: ${goalsText(other.record.goals)}`) // prettier-ignore
  }
  const own = all.find(({ record }) => record.name === name)
  const before = own && own.history.trials.length > 0 ? own.startedAt : Infinity
  const fitting = other.history.trials
    .filter((trial) => hasEnded(trial) && (trial.reports.at(-1)?.at ?? Infinity) < before)
    .map((trial) => ({ ...trial, ...placeIn(space, trial.params) }))
    .filter(({ point }) => point.length > 0)
  return fitting.map((trial, i) => ({ ...trial, number: i - fitting.length }))
}

function unknown(name: string, startFrom: string, all: readonly StoredStudy[]): TuneError {
  const others = all.map(({ record }) => record.name).filter((other) => other !== name)
  return new TuneError('study/unknown', `${name} starts from '${startFrom}', and no such study is stored here`, {
    hint: `there are ${others.join(', ') || 'no others'}; another place is chosen by --results DIR`,
  })
}

function goalsText(goals: readonly Goal[]): string {
  return canonicalJson(goals.map((goal) => ({ ...goal })))
}
