import type { Dim } from '../space.ts'
import type { History, Trial } from '../trial.ts'
import { hasShown } from './ranking.ts'

/** A search that moves in steps, each by the results of some trials: a generation. */
export interface Evolution<S> {
  first(history: History): S
  /** Trials of the next generation. */
  sizeOf(state: S): number
  next(state: S, generation: readonly Trial[], history: History): S
}

/** How many of the last generations are remembered, for trials that end out of turn. */
const REMEMBERED = 8

interface Known<S> {
  readonly history: Pick<History, 'goals' | 'constraints'>
  readonly trials: readonly Trial[]
  /** Those of them that had shown something. */
  readonly shown: readonly Trial[]
  /** What some first trials led to. */
  readonly stages: readonly { readonly used: number; readonly state: S }[]
}

/**
 * Where a study's trials have brought an evolution: in the order of their numbers, those that have ended are its
 * generations. It remembers where it was: one trial more is one generation at most, and the answer is the same as from
 * the start.
 */
export function evolve<S>({ first, sizeOf, next }: Evolution<S>): (history: History) => S {
  const latest = new WeakMap<readonly Dim[], Known<S>>()
  return (history) => {
    const known = latest.get(history.dims)
    const shown = shownOf(history, known)
    const same = known && isSameQuestion(known, history) ? sharedLength(known.shown, shown) : 0
    const stages = known?.stages.filter(({ used }) => used <= same) ?? []
    if (stages.length === 0) stages.push({ used: 0, state: first(history) })
    for (;;) {
      const { used, state } = stages.at(-1)!
      const generation = shown.slice(used, used + sizeOf(state))
      if (generation.length < sizeOf(state)) break
      stages.push({ used: used + generation.length, state: next(state, generation, history) })
    }
    latest.set(history.dims, { history, trials: [...history.trials], shown, stages: stages.slice(-REMEMBERED) })
    return stages.at(-1)!.state
  }
}

function isSameQuestion<S>({ history }: Known<S>, { goals, constraints }: History): boolean {
  return history.constraints === constraints && history.goals.every((goal, i) => goal === goals[i])
}

/** The trials that have shown something: of those that are known, most are as they were. */
function shownOf({ trials }: History, known: Pick<Known<unknown>, 'trials' | 'shown'> | undefined): readonly Trial[] {
  if (!known) return trials.filter(hasShown)
  const same = sharedLength(known.trials, trials)
  const changed = known.trials.slice(same).filter(hasShown).length
  return [...known.shown.slice(0, known.shown.length - changed), ...trials.slice(same).filter(hasShown)]
}

function sharedLength(a: readonly unknown[], b: readonly unknown[]): number {
  let length = 0
  while (length < a.length && length < b.length && a[length] === b[length]) length++
  return length
}
