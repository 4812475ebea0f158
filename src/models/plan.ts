import { TuneError } from '../errors.ts'
import type { Device } from '../trial.ts'
import type { LossWeights } from './losses/terms.ts'
import type { ParamGroup } from './param_groups.ts'
import { learningRate, parseSchedule, type Schedule, type ScheduleKind } from './schedule.ts'
import type { Phase, TrainOptions } from './train_options.ts'
import type { Hyper } from './step_values.ts'

/** How a training goes, step by step. */
export interface TrainPlan {
  /** All steps. */
  readonly total: number
  readonly groups: readonly ParamGroup[]
  /** Steps that one run of the device takes. */
  readonly stepsPerRun: number
  /** What the steps from one, counted from 0, to another are taken with: as many as one run takes and one phase has. */
  hypers(step: number, end: number): readonly Hyper[]
}

/** Reads what of a training's options changes from step to step. Throws `study/invalid` or `params/invalid`. */
export function planOf(options: TrainOptions): TrainPlan {
  const { trial, lr = 3e-3, backbone = 1, every = 100, weightDecay = 1e-4, clip = 10 } = options
  const { weights = PAPER_WEIGHTS, freeze = [], phases = [], groups = [] } = options
  const total = every * trial.maxSteps
  if (!Number.isSafeInteger(total)) {
    throw new TuneError('study/invalid', 'a schedule needs to know where it ends', {
      hint: 'give the study budget.steps',
    })
  }
  checkPhases(phases)
  const schedule = withWarmup(options.schedule ?? 'poly')
  const phaseOf = (step: number) => phases.findLast(({ after }) => step >= Math.round(after * total))
  const hyper = (step: number): Hyper => {
    const phase = phaseOf(step)
    return {
      lr: learningRate(schedule, step, total, lr) * (phase?.lr ?? 1),
      weightDecay,
      clip,
      weights: phase?.weights ?? weights,
      frozen: [...(phase?.freeze ?? freeze), ...(backbone === 0 ? ['backbone'] : [])],
    }
  }
  const stepsPerRun = stepsPerRunOn(trial.device)
  return {
    total,
    groups: backbone === 0 || backbone === 1 ? groups : [{ pattern: 'backbone.*', lr: backbone }, ...groups],
    stepsPerRun,
    hypers(step, end) {
      const phase = phaseOf(step)
      const steps = Array.from({ length: Math.min(stepsPerRun, end - step) }, (_, i) => step + i)
      return steps.filter((at) => phaseOf(at) === phase).map(hyper)
    },
  }
}

const PAPER_WEIGHTS: LossWeights = { semantic: 1, center: 200, offset: 0.01 }

/** Steps that one run of a device takes: on a GPU the state would cross the bus with every run. */
export function stepsPerRunOn({ kind }: Device): number {
  return kind === 'cuda' ? 16 : 1
}

function withWarmup(schedule: Schedule | ScheduleKind): Schedule {
  const isToWarmUp = typeof schedule === 'string' && schedule !== 'one_cycle'
  return parseSchedule(isToWarmUp ? { kind: schedule, warmup: 0.05 } : schedule)
}

function checkPhases(phases: readonly Phase[]): void {
  for (const [i, { after }] of phases.entries()) {
    if (after > (phases[i - 1]?.after ?? 0) && after < 1) continue
    throw new TuneError('params/invalid', `phase ${i + 1} begins after ${after} of all steps`, {
      hint: 'give shares above 0 and below 1, ascending',
    })
  }
}
