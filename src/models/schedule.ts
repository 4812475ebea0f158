import { fraction, listOf, number, parseKind, positive, share, type Rules } from './options.ts'

/**
 * How the learning rate runs over a training, as plain data. Every kind starts with a warm-up: `warmup` is its share of
 * all steps (default 0; 0.3 for `one_cycle`), `warmupFactor` where it starts, as a share of the rate it leads to (default
 * 0.001; 0.04 for `one_cycle`).
 */
export type Schedule = Warmup &
  (
    | {
        readonly kind: 'poly'
        /** Default 0.9. */
        readonly power?: number
        /** The rate ends at this share of the base rate as soon as it would fall below. Default: it falls on. */
        readonly ending?: number
      }
    | {
        readonly kind: 'step'
        /** Shares of all steps at which the rate drops, ascending. Default 0.9 and 0.95. */
        readonly drops?: readonly number[]
        /** What each drop multiplies the rate by. Default 0.1. */
        readonly factor?: number
      }
    | { readonly kind: 'cosine' }
    | { readonly kind: 'constant' }
    | {
        readonly kind: 'one_cycle'
        /** Where the rate ends, as a share of the base rate. Default 4e-6. */
        readonly ending?: number
      }
  )

export type ScheduleKind = Schedule['kind']

interface Warmup {
  readonly warmup?: number
  readonly warmupFactor?: number
}

const WARMUP: Rules = { warmup: fraction, warmupFactor: number((x) => x >= 0 && x <= 1, 'from 0 to 1') }
const KINDS: Readonly<Record<ScheduleKind, Rules>> = {
  poly: { ...WARMUP, power: positive, ending: share },
  step: { ...WARMUP, drops: listOf(share, 'a list of shares above 0 and at most 1'), factor: positive },
  cosine: WARMUP,
  constant: WARMUP,
  one_cycle: { ...WARMUP, ending: fraction },
}

/**
 * The learning rate of one step, counted from 0 below `totalSteps`; without `base` it is the share of the base rate.
 * The rate moves with every step, never with epochs. Formulas as in detectron2's WarmupPolyLR and WarmupMultiStepLR:
 * warm-up multiplies the decay, it does not delay it. `one_cycle` is PyTorch's OneCycleLR of two phases.
 */
export function learningRate(schedule: Schedule | ScheduleKind, step: number, totalSteps: number, base = 1): number {
  const full = parseSchedule(schedule)
  if (full.kind === 'one_cycle') return base * oneCycleAt(full, step, totalSteps)
  const warm = warmupAt(full, step, totalSteps)
  const decay = decayAt(full, step, totalSteps)
  // The ending is the decay's: a warm-up never ends early.
  const ending = full.kind === 'poly' && warm === 1 ? (full.ending ?? 0) : 0
  return base * Math.max(ending, warm * decay)
}

/** A schedule from its name or its plain data, checked. Throws `params/invalid`. */
export function parseSchedule(value: unknown): Schedule {
  return parseKind<Schedule>('learning-rate schedule', value, KINDS)
}

function warmupAt({ warmup = 0, warmupFactor = 1e-3 }: Warmup, step: number, totalSteps: number): number {
  const steps = Math.round(warmup * totalSteps)
  if (step >= steps) return 1
  const done = step / steps
  return warmupFactor * (1 - done) + done
}

function decayAt(schedule: Exclude<Schedule, { kind: 'one_cycle' }>, step: number, totalSteps: number): number {
  const done = Math.min(1, step / totalSteps)
  if (schedule.kind === 'constant') return 1
  if (schedule.kind === 'cosine') return 0.5 * (1 + Math.cos(Math.PI * done))
  if (schedule.kind === 'poly') return (1 - done) ** (schedule.power ?? 0.9)
  const { drops = [0.9, 0.95], factor = 0.1 } = schedule
  return factor ** drops.filter((drop) => step >= Math.round(drop * totalSteps)).length
}

/** Half a cosine up to 1, and half a cosine down to the ending, which the last step has (Smith & Topin 2018). */
function oneCycleAt(schedule: Extract<Schedule, { kind: 'one_cycle' }>, step: number, totalSteps: number): number {
  const { warmup = 0.3, warmupFactor = 0.04, ending = 4e-6 } = schedule
  // PyTorch's bounds: the top need not lie on a step.
  const top = warmup * totalSteps - 1
  if (step < top) return glide(warmupFactor, 1, step / top)
  return glide(1, ending, Math.min(1, (step - top) / (totalSteps - 1 - top)))
}

function glide(from: number, to: number, done: number): number {
  return to + ((from - to) / 2) * (1 + Math.cos(Math.PI * done))
}
