import type { Goal, History, Trial } from '../trial.ts'
import { lossesAtStep } from './at_step.ts'
import type { Pruner, Verdict } from './pruner.ts'
import { worstIfNaN } from './ranking.ts'
import { isRung } from './rungs.ts'

/** How trials climb from rung to rung: as `asha` has it. */
interface Climbing {
  readonly first: number
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
      if (!isRung(step, climbing.first, climbing.eta)) return undefined
      const isSame = (other: Trial) => other.number === trial.number
      const next = nextToClimb(climbing, history, (other) => isPaused(other) || isSame(other))
      if (next && isSame(next.trial)) return { action: 'keep', ...explained(history, next) }
      const standing = standingsAt(climbing, history, step).find((other) => isSame(other.trial))
      return standing && { action: 'pause', ...explained(history, standing) }
    },
    promote(history, isLast) {
      const next = nextToClimb(isLast ? { ...climbing, least: 1 } : climbing, history, isPaused)
      return next && { number: next.trial.number, action: 'promote', ...explained(history, next) }
    },
  }
}

/** Where a trial stands among all that reached a rung. */
interface Standing {
  readonly trial: Trial
  readonly step: number
  readonly loss: number
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
    const next = standingsAt(climbing, history, step).find(
      ({ trial, place, climb, loss }) =>
        place <= climb && !Number.isNaN(loss) && stepOf(trial) === step && waits(trial),
    )
    if (next) return next
  }
  return undefined
}

/** All trials that reached a rung, the best first; of equals the earlier. */
function standingsAt(
  { eta, minTrials, least = 0 }: Climbing,
  { goals, trials }: History,
  step: number,
): readonly Standing[] {
  const losses = lossesAtStep(goals, trials, step)
  const field = trials.flatMap((trial, i) => {
    const loss = losses[i]
    return loss === undefined ? [] : [{ trial, step, loss }]
  })
  const ordered = field.toSorted((a, b) => compare(worstIfNaN(a.loss), worstIfNaN(b.loss)) || a.trial.number - b.trial.number) // prettier-ignore
  const climb = Math.max(least, field.length > minTrials ? Math.floor(field.length / eta) : 0)
  return ordered.map((one, i) => ({ ...one, place: i + 1, trials: field.length, climb }))
}

/** Infinities differ by nothing from themselves. */
function compare(a: number, b: number): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function explained({ goals }: History, { step, loss, place, trials, climb }: Standing): Omit<Verdict, 'action'> {
  const numbers = { step, loss, place, trials, climb }
  const rule = climb === 0 ? 'too few for one to go on' : `of which the best ${climb === 1 ? 'goes' : `${climb} go`} on`
  return { reason: `${resultText(goals, numbers)} at step ${step} is place ${place} of ${trials}, ${rule}`, numbers }
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
