import { nearest, TuneError } from '../errors.ts'

/**
 * How the learning rate runs over a training, as plain data. Every kind starts with a linear warm-up: `warmup` is its
 * share of all steps (default 0), `warmupFactor` where it starts, as a share of the rate it leads to (default 0.001).
 */
export type Schedule = Warmup &
  (
    | { readonly kind: 'poly'; /** Default 0.9. */ readonly power?: number }
    | {
        readonly kind: 'step'
        /** Shares of all steps at which the rate drops, ascending. Default 0.9 and 0.95. */
        readonly drops?: readonly number[]
        /** What each drop multiplies the rate by. Default 0.1. */
        readonly factor?: number
      }
    | { readonly kind: 'cosine' }
    | { readonly kind: 'constant' }
  )

export type ScheduleKind = Schedule['kind']

interface Warmup {
  readonly warmup?: number
  readonly warmupFactor?: number
}

const KINDS: readonly ScheduleKind[] = ['poly', 'step', 'cosine', 'constant']

/**
 * The learning rate of one step, counted from 0 below `totalSteps`; without `base` it is the share of the base rate.
 * The rate moves with every step, never with epochs. Formulas as in detectron2's WarmupPolyLR and WarmupMultiStepLR:
 * warm-up multiplies the decay, it does not delay it.
 */
export function learningRate(schedule: Schedule | ScheduleKind, step: number, totalSteps: number, base = 1): number {
  const full = parseSchedule(schedule)
  return base * warmupAt(full, step, totalSteps) * decayAt(full, step, totalSteps)
}

/** A schedule from its name or its plain data, checked. Throws `params/invalid`. */
export function parseSchedule(value: unknown): Schedule {
  const schedule = typeof value === 'object' && value !== null ? value : { kind: value }
  if (!isSchedule(schedule)) throw unknownKind('kind' in schedule ? schedule.kind : undefined)
  check(schedule, 'warmup', schedule.warmup, (share) => share >= 0 && share < 1, 'at least 0 and less than 1')
  check(schedule, 'warmupFactor', schedule.warmupFactor, (share) => share >= 0 && share <= 1, 'from 0 to 1')
  if (schedule.kind === 'poly') check(schedule, 'power', schedule.power, (power) => power > 0, 'greater than 0')
  if (schedule.kind === 'step') {
    check(schedule, 'factor', schedule.factor, (factor) => factor > 0, 'greater than 0')
    for (const drop of schedule.drops ?? [])
      check(schedule, 'drops', drop, (at) => at > 0 && at <= 1, 'above 0 and at most 1')
  }
  return schedule
}

/** Its kind is known; what else it carries is for `parseSchedule` to check. */
function isSchedule(value: object): value is Schedule {
  return 'kind' in value && KINDS.some((kind) => kind === value.kind)
}

function warmupAt({ warmup = 0, warmupFactor = 1e-3 }: Schedule, step: number, totalSteps: number): number {
  const steps = Math.round(warmup * totalSteps)
  if (step >= steps) return 1
  const done = step / steps
  return warmupFactor * (1 - done) + done
}

function decayAt(schedule: Schedule, step: number, totalSteps: number): number {
  const done = Math.min(1, step / totalSteps)
  if (schedule.kind === 'constant') return 1
  if (schedule.kind === 'cosine') return 0.5 * (1 + Math.cos(Math.PI * done))
  if (schedule.kind === 'poly') return (1 - done) ** (schedule.power ?? 0.9)
  const { drops = [0.9, 0.95], factor = 0.1 } = schedule
  return factor ** drops.filter((drop) => step >= Math.round(drop * totalSteps)).length
}

function check(
  { kind }: Schedule,
  field: string,
  value: unknown,
  isFine: (value: number) => boolean,
  wanted: string,
): void {
  if (value === undefined || (typeof value === 'number' && isFine(value))) return
  throw new TuneError('params/invalid', `schedule '${kind}': ${field} is ${JSON.stringify(value)}, must be ${wanted}`)
}

function unknownKind(kind: unknown): TuneError {
  const near = typeof kind === 'string' ? nearest(kind, KINDS) : undefined
  return new TuneError('params/invalid', `unknown learning-rate schedule ${JSON.stringify(kind) ?? 'undefined'}`, {
    hint: near ? `did you mean '${near}'?` : `the schedules are ${KINDS.join(', ')}`,
  })
}
