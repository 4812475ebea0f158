import { TuneError } from '../errors.ts'
import { best, onImage, type Goal, type Report, type Trial } from '../trial.ts'
import { signedRankP } from './numeric/signed_rank.ts'
import type { Pruner, Verdict } from './pruner.ts'
import { worstIfNaN } from './ranking.ts'

interface WilcoxonOptions {
  /** A trial is stopped where it would be so much worse less often than this, were it as good as the best. Default 0.05. */
  readonly p?: number
  /** Steps at the start of each trial at which it is left alone. Default 0. */
  readonly warmupSteps?: number
}

/**
 * Stops a trial that scores worse than the best complete one on the same images at the same step, by more than images
 * differ: paired, for some images are hard for every network. It needs few trials and no rungs, and one that is only
 * unlucky in its images goes on. Reports say what each image scored, as `model.scoreImages(val)` does. (Wilcoxon 1945; after
 * Optuna's WilcoxonPruner, whose steps are the images.)
 */
export function wilcoxon({ p = 0.05, warmupSteps = 0 }: WilcoxonOptions = {}): Pruner {
  if (!(p > 0 && p < 1)) throw new TuneError('study/invalid', `wilcoxon({ p: ${p} }): p lies between 0 and 1`)
  return {
    name: 'wilcoxon',
    judge(trial, { goals, trials }) {
      const [goal, report] = [goals[0]!, trial.reports.at(-1)]
      // Constraints are not looked at: what is compared is the goal.
      const leader = best({ goals, trials: trials.filter(({ number }) => number !== trial.number) })
      const same = leader?.reports.find(({ step }) => step === report?.step)
      if (!leader || !report || !same || report.step <= warmupSteps) return undefined
      return compared(goal, { trial, report }, { trial: leader, report: same }, p)
    },
  }
}

interface Scored {
  readonly trial: Trial
  readonly report: Report
}

function compared({ metric, direction }: Goal, own: Scored, leader: Scored, p: number): Verdict {
  const [losses, others] = [own, leader].map((scored) => imageLosses({ metric, direction }, scored))
  const differences = losses!
    .map((loss, image) => loss - (others![image] ?? Number.NaN))
    .filter((d) => !Number.isNaN(d))
  const mean = differences.reduce((sum, difference) => sum + difference, 0) / differences.length
  const chance = signedRankP(differences)
  const isStopped = mean > 0 && chance < p
  const [worse, often] = [mean, chance].map((number) => Number(number.toPrecision(3)))
  const against = `than trial ${leader.trial.number} at step ${own.report.step}`
  return {
    action: isStopped ? 'stop' : 'keep',
    reason: `${metric} is ${worse} worse ${against} on average of ${differences.length} images, p ${often} of chance`,
    numbers: {
      step: own.report.step,
      difference: mean,
      p: chance,
      images: differences.length,
      best: leader.trial.number,
    },
  }
}

/** The loss of each image, by its number. */
function imageLosses({ metric, direction }: Goal, { trial, report }: Scored): readonly number[] {
  const sign = direction === 'minimize' ? 1 : -1
  const losses: number[] = []
  for (let image = 0; ; image++) {
    const value = report.metrics[onImage(metric, image)]
    if (value === undefined) break
    losses.push(worstIfNaN(sign * value))
  }
  if (losses.length > 0) return losses
  const missing = `report ${report.step} of trial ${trial.number} lacks '${onImage(metric, 0)}', what the first image scored`
  throw new TuneError('study/invalid', `pruner wilcoxon: ${missing}`, { hint: 'yield await model.scoreImages(val)' })
}
