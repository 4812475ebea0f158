import type { Goal, History, Trial } from '../trial.ts'
import { lossesAtStep } from './at_step.ts'
import type { Pruner, Verdict } from './pruner.ts'
import { worstIfNaN } from './ranking.ts'
import { firstRung, isRung } from './rungs.ts'

/** How trials climb from rung to rung: as `asha` has it. */
interface Climbing {
  readonly first: number | undefined
  readonly eta: number
  readonly minTrials: number
  /** How many go on from a rung at least. Default 0. */
  readonly least?: number
}

/**
 * Successive halving in its promotion form (Li et al. 2018, arXiv:1810.05934, algorithm 2): a trial pauses at each rung,
 * and is promoted once it is among the best 1 / eta of all that have come so far, from the highest rung that has such a
 * one. One that would be promoted at once does not pause. When no more will come, the best of each rung goes on, however few
 * came there, so that a short study has a result too. All is read from the reports: where trials wait, who came so far, and
 * who has gone on.
 */
export function promotion(climbing: Climbing): Pick<Pruner, 'judge' | 'promote'> {
  return {
    judge(trial, history) {
      const step = stepOf(trial)
      if (!isRung(step, climbing.first ?? firstRung(history.steps, climbing.eta), climbing.eta)) return undefined
      const isSame = (other: Trial) => other.number === trial.number
      const next = nextToClimb(climbing, history, (other) => isPaused(other) || isSame(other))
      if (next && isSame(next.trial)) return { action: 'keep', ...explained(history, next) }
      const field = fieldAt(history, step)
      const own = field.find((other) => isSame(other.trial))
      return own && { action: 'pause', ...explained(history, standingIn(climbing, field, own), next) }
    },
    promote(history, isLast) {
      const next = nextToClimb(isLast ? { ...climbing, least: 1 } : climbing, history, isPaused)
      return next && { number: next.trial.number, action: 'promote', ...explained(history, next) }
    },
  }
}

/** A trial that reached a rung, and its loss there. */
interface Climber {
  readonly trial: Trial
  readonly step: number
  readonly loss: number
}

/** Where it stands among all that did. */
interface Standing extends Climber {
  /** From 1, the best. */
  readonly place: number
  readonly trials: number
  /** How many of them go on. */
  readonly climb: number
}

/** The best of the trials that wait at the highest rung where one may go on. What reported NaN may not. */
function nextToClimb(climbing: Climbing, history: History, waits: (trial: Trial) => boolean): Standing | undefined {
  const rungs = new Set(history.trials.filter(waits).map(stepOf))
  for (const step of [...rungs].toSorted((a, b) => b - a)) {
    const field = fieldAt(history, step)
    const waiting = field.filter(({ trial, loss }) => stepOf(trial) === step && waits(trial) && !Number.isNaN(loss))
    const best = waiting.reduce<Climber | undefined>((best, one) => (best && compare(best, one) < 0 ? best : one), undefined) // prettier-ignore
    const standing = best && standingIn(climbing, field, best)
    if (standing && standing.place <= standing.climb) return standing
  }
  return undefined
}

/** All trials that reached a rung. */
function fieldAt({ goals, trials }: History, step: number): readonly Climber[] {
  const losses = lossesAtStep(goals, trials, step)
  return trials.flatMap((trial, i) => {
    const loss = losses[i]
    return loss === undefined ? [] : [{ trial, step, loss }]
  })
}

function standingIn({ eta, minTrials, least = 0 }: Climbing, field: readonly Climber[], climber: Climber): Standing {
  const climb = Math.max(least, field.length > minTrials ? Math.floor(field.length / eta) : 0)
  const place = 1 + field.filter((other) => compare(other, climber) < 0).length
  return { ...climber, place, trials: field.length, climb }
}

/** Below 0 where a climber is ahead of another: by its loss, the earlier of equals. */
function compare(a: Climber, b: Climber): number {
  const [own, other] = [worstIfNaN(a.loss), worstIfNaN(b.loss)]
  return own === other ? a.trial.number - b.trial.number : own - other
}

/** Why a trial goes on, or waits; `ahead` is whoever goes on before it, though it might. */
function explained(
  { goals }: History,
  { step, loss, place, trials, climb }: Standing,
  ahead?: Climber,
): Omit<Verdict, 'action'> {
  const numbers = { step, loss, place, trials, climb }
  const first = ahead && place <= climb ? `, and trial ${ahead.trial.number} goes first` : ''
  const rule = climb === 0 ? 'too few for one to go on' : `of which the best ${climb === 1 ? 'goes' : `${climb} go`} on`
  return {
    reason: `${resultText(goals, numbers)} at step ${step} is place ${place} of ${trials}, ${rule}${first}`,
    numbers,
  }
}

/** With several goals a loss is how many others dominate the trial. */
function resultText([goal, ...more]: readonly Goal[], { loss }: Pick<Standing, 'loss'>): string {
  const value = Number((goal?.direction === 'maximize' && more.length === 0 ? -loss : loss).toPrecision(4))
  return more.length === 0 ? `${goal?.metric} ${value}` : `what ${value} others dominate`
}

function stepOf({ reports }: Trial): number {
  return reports.at(-1)?.step ?? 0
}

function isPaused({ outcome }: Trial): boolean {
  return outcome.state === 'paused'
}
