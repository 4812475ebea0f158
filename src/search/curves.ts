import { TuneError } from '../errors.ts'
import { best, lossAt, lossOf, type Goal, type Trial } from '../trial.ts'
import { extrapolate } from './numeric/curve_fit.ts'
import type { Pruner, Verdict } from './pruner.ts'

interface CurvesOptions {
  /** A trial is stopped where it ends better than the best one less often than this, 0 to 1. Default 0.05. */
  readonly chance?: number
  /** Reports of a trial from which on its curve is extrapolated. Default 4. */
  readonly minReports?: number
}

/**
 * Stops a trial whose learning curve, extrapolated to the length of the longest complete trial, hardly ever ends better
 * than the best of those: curves of usual shapes, with the uncertainty of each (`extrapolate`). For curves that cross, where
 * to compare at a rung stops what learns late. A trial that is as good as the best one was at its step goes on; with
 * several goals, the first alone is looked at. (Domhan et al. 2015, "Speeding up automatic hyperparameter optimization of
 * deep neural networks by extrapolation of learning curves".)
 */
export function curves({ chance = 0.05, minReports = 4 }: CurvesOptions = {}): Pruner {
  if (!(chance > 0 && chance < 1))
    throw new TuneError('study/invalid', `curves({ chance: ${chance} }): a chance lies between 0 and 1`)
  return {
    name: 'curves',
    judge(trial, { goals, trials }) {
      const goal = goals[0]!
      const others = trials.filter(({ number, outcome }) => number !== trial.number && outcome.state === 'complete')
      const leader = best({ goals, trials: others })
      const step = trial.reports.length
      if (!leader || step < minReports) return undefined
      const [own, ahead] = [lossesOf(goal, trial), lossesOf(goal, leader)]
      const end = Math.max(...others.map(({ reports }) => reports.length))
      const numbers = { step, end, loss: own.at(-1)!, best: lossAt(goal, leader) }
      if (numbers.loss <= (ahead[step - 1] ?? -Infinity)) return upToNow(goal, numbers, leader)
      return byOutlook(goal, { ...numbers, ...outlook(own, ahead, end) }, chance)
    },
  }
}

function lossesOf(goal: Goal, { reports }: Trial): readonly number[] {
  return reports.map(({ metrics }) => lossOf(goal, metrics))
}

/** What is expected of a curve at the end, and how likely that is below the end of another. */
function outlook(own: readonly number[], ahead: readonly number[], end: number): Pick<Outlook, 'mean' | 'chance'> {
  const bound = ahead.at(-1)!
  if (Number.isNaN(own.at(-1)) || !Number.isFinite(bound))
    return { mean: Number.NaN, chance: bound === Infinity ? 1 : 0 }
  // What diverged need not be told from what is bad: its size would hide everything else.
  const worst = Math.max(...ahead.filter(Number.isFinite))
  const cap = worst + (worst - bound)
  const points = own
    .map((loss, i) => ({ step: i + 1, loss: Math.min(loss, cap) }))
    .filter(({ loss }) => Number.isFinite(loss))
  const curve = extrapolate(
    points.map(({ step }) => step),
    points.map(({ loss }) => loss),
    Math.max(end, own.length + 1),
  )
  return { mean: curve.mean, chance: curve.below(bound) }
}

/** Both are losses, as is the mean that is expected at the end. */
interface Outlook extends Now {
  readonly mean: number
  readonly chance: number
}

interface Now {
  readonly step: number
  readonly end: number
  readonly loss: number
  readonly best: number
}

function upToNow(goal: Goal, { ...numbers }: Now, leader: Trial): Verdict {
  const reason = `${shown(goal, numbers.loss)} at step ${numbers.step} is as good as trial ${leader.number} was there`
  return { action: 'keep', reason, numbers }
}

function byOutlook(goal: Goal, { ...numbers }: Outlook, least: number): Verdict {
  const { step, end, mean, best, chance } = numbers
  const percent = Number((100 * chance).toPrecision(2))
  const reason = `${shown(goal, mean)} is expected at step ${end} by the ${step} reports so far, better than ${shown(goal, best)} by a chance of ${percent} %`
  return { action: chance < least ? 'stop' : 'keep', reason, numbers }
}

function shown({ metric, direction }: Goal, loss: number): string {
  return `${metric} ${Number((direction === 'minimize' ? loss : -loss).toPrecision(4))}`
}
