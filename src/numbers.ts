import { TuneError } from './errors.ts'
import { normalCdf, normalQuantile } from './normal.ts'
import { levelAt, levelCentre, type NumberSpec, type Param } from './param.ts'

interface NumberOptions {
  /** The value of trial 0, the baseline. Default: the middle of the range, on a log scale where the range is. */
  readonly default?: number
}

interface SteppedOptions extends NumberOptions {
  /** Only values a whole number of steps above the low end; the high end must be one. */
  readonly step?: number
}

/** A real number of [low, high]; with a step, one of low, low + step, ..., high. */
export function uniform(low: number, high: number, { step, ...options }: SteppedOptions = {}): Param<number> {
  if (step !== undefined) return stepped('uniform', low, high, step, options)
  return range({ kind: 'uniform', low, high }, options, mappingOf({ low, high }, same, same))
}

/** A positive real number of [low, high], alike in ratio: from 1 to 10 is as far as from 10 to 100. */
export function loguniform(low: number, high: number, options: NumberOptions = {}): Param<number> {
  checkPositive('loguniform', low, high, high / 1e6)
  return range({ kind: 'loguniform', low, high }, options, mappingOf({ low, high }, Math.log, Math.exp))
}

/** A whole number of [low, high], both ends included; with a step, one of low, low + step, ..., high. */
export function int(low: number, high: number, { step = 1, ...options }: SteppedOptions = {}): Param<number> {
  checkWhole('int', low, high, step)
  return stepped('int', low, high, step, options)
}

/** A whole positive number of [low, high], both ends included, alike in ratio. */
export function logint(low: number, high: number, options: NumberOptions = {}): Param<number> {
  checkPositive('logint', low, high, 1)
  checkWhole('logint', low, high, 1)
  // A whole number owns the stretch from half below it to half above it; these are unequal, as levels cannot be.
  const value = (at: number) => Math.round(Math.exp(at))
  const mapping = mappingOf({ low: low - 0.5, high: high + 0.5 }, Math.log, value)
  return range({ kind: 'logint', low, high }, options, mapping)
}

interface BoundedOptions extends NumberOptions {
  readonly low?: number
  readonly high?: number
}

/**
 * A real number that is thought to lie about the mean: one of the normal distribution, two thirds of them within a deviation.
 * Default: those within 4 deviations; low and high cut it shorter, or lengthen it to 5.
 */
export function normal(mean: number, deviation: number, { low, high, ...options }: BoundedOptions = {}): Param<number> {
  const written = `normal(${mean}, ${deviation})`
  if (!Number.isFinite(mean) || !(deviation > 0 && deviation < Infinity))
    throw new TuneError('space/invalid', `${written}: the mean must be finite, the deviation above 0`)
  const at = (deviations: number) => mean + deviations * deviation
  const ends = endsOf(written, at, low, high)
  const scale = (value: number) => normalCdf((value - mean) / deviation)
  const value = (share: number) => at(normalQuantile(share))
  return range({ kind: 'normal', mean, deviation, ...ends }, options, mappingOf(ends, scale, value))
}

/**
 * A positive real number that is thought to lie about the median: one whose logarithm is normally distributed, two thirds of
 * them within that factor of it. `lognormal(1e-3, 10)` is most often of 1e-4 to 1e-2. Default: those within 4 such factors;
 * low and high cut it shorter, or lengthen it to 5.
 */
export function lognormal(
  median: number,
  factor: number,
  { low, high, ...options }: BoundedOptions = {},
): Param<number> {
  const written = `lognormal(${median}, ${factor})`
  if (!(median > 0 && median < Infinity) || !(factor > 1 && factor < Infinity)) {
    throw new TuneError('space/invalid', `${written}: the median must be above 0, the factor above 1`, {
      hint: 'both are of the number itself, not of its logarithm',
    })
  }
  const at = (deviations: number) => median * factor ** deviations
  const ends = endsOf(written, at, low, high)
  const scale = (value: number) => normalCdf(Math.log(value / median) / Math.log(factor))
  const value = (share: number) => at(normalQuantile(share))
  return range({ kind: 'lognormal', median, factor, ...ends }, options, mappingOf(ends, scale, value))
}

/** How the unit interval maps to values: linearly from `from` to `to`, and from there by `value`, which undoes `scale`. */
interface Mapping {
  readonly from: number
  readonly to: number
  readonly scale: (value: number) => number
  readonly value: (at: number) => number
}

interface Ends {
  readonly low: number
  readonly high: number
}

const same = (x: number) => x

function mappingOf({ low, high }: Ends, scale: Mapping['scale'], value: Mapping['value']): Mapping {
  return { from: scale(low), to: scale(high), scale, value }
}

/** The ends of a distribution. Beyond 5 deviations, coordinates could not tell its values apart. */
function endsOf(written: string, at: (deviations: number) => number, low = at(-4), high = at(4)): Ends {
  const ends = { low: Math.max(low, at(-5)), high: Math.min(high, at(5)) }
  if (ends.low < ends.high) return ends
  throw new TuneError('space/invalid', `${written}: none of it lies between ${low} and ${high}`)
}

/** A range without steps. */
function range(head: Ends & Described, options: NumberOptions, { from, to, scale, value }: Mapping): Param<number> {
  const { kind, low, high } = head
  checkEnds(kind, low, high, kind === 'logint' ? MOST_WHOLE : MOST_REAL)
  const isSingle = low === high || from === to
  // Adding 0 makes 0 of -0, as JSON would.
  const decode = (x: number) => (isSingle ? low : clamp(value(from + x * (to - from)), low, high) + 0)
  const encode = (value: number) => (isSingle ? 0.5 : clamp((scale(value) - from) / (to - from), 0, 1))
  // Twelve digits: 0.01 and not 0.010000000000000002.
  const middle = clamp(Number(decode(0.5).toPrecision(12)), low, high)
  const spec: NumberSpec = { ...head, default: options.default ?? middle }
  const isWhole = kind === 'logint'
  return numberParam(spec, isSingle ? 1 : Infinity, decode, encode, (value) => !isWhole || Number.isInteger(value))
}

/** How a range was declared, but for its ends. */
type Described =
  | { readonly kind: 'uniform' | 'loguniform' | 'logint' }
  | { readonly kind: 'normal'; readonly mean: number; readonly deviation: number }
  | { readonly kind: 'lognormal'; readonly median: number; readonly factor: number }

/** A range whose values lie a step apart: each is a level. */
function stepped(
  kind: 'uniform' | 'int',
  low: number,
  high: number,
  step: number,
  options: NumberOptions,
): Param<number> {
  checkEnds(kind, low, high, kind === 'int' ? MOST_WHOLE : MOST_REAL)
  const count = Math.round((high - low) / step) + 1
  // Twelve digits: 0.3 and not 0.30000000000000004. Whole numbers are exact, and rounding is slow.
  const isWhole = Number.isInteger(low) && Number.isInteger(step)
  const valueAt = (level: number) => (isWhole ? low + level * step : Number((low + level * step).toPrecision(12)) + 0)
  const written = `${kind}(${low}, ${high}, { step: ${step} })`
  if (!(step > 0 && count <= 2 * MOST_WHOLE + 1))
    throw new TuneError('space/invalid', `${written}: the step must be above 0, and not too small to count`)
  if (Math.abs(low + (count - 1) * step - high) > 1e-9 * step) {
    const last = valueAt(Math.floor((high - low) / step))
    throw new TuneError('space/invalid', `${written}: the high end is no whole number of steps above the low one`, {
      hint: `write ${kind}(${low}, ${last}, { step: ${step} })`,
    })
  }
  const levelOf = (value: number) => Math.round((value - low) / step)
  // Rounding is slow, and moves a value by less than 1e-12 of itself: most are seen to be one without.
  const near = 1e-9 * step - 1e-12 * Math.max(-low, high)
  const isValue = (value: number) => {
    const level = levelOf(value)
    return Math.abs(value - (low + level * step)) <= near || Math.abs(value - valueAt(level)) <= 1e-9 * step
  }
  const middle = valueAt(levelAt(0.5, count))
  const isPlain = kind === 'int' && step === 1
  const spec: NumberSpec = { kind, low, high, ...(!isPlain && { step }), default: options.default ?? middle }
  const decode = (x: number) => clamp(valueAt(levelAt(x, count)), low, high)
  return numberParam(spec, count, decode, (value) => levelCentre(levelOf(value), count), isValue)
}

function numberParam(
  spec: NumberSpec,
  levels: number,
  decode: (x: number) => number,
  encode: (value: number) => number,
  isValue: (value: number) => boolean,
): Param<number> {
  const { kind, low, high, default: start } = spec
  const steps = spec.step === undefined ? '' : `, { step: ${spec.step} }`
  const written =
    'mean' in spec || 'median' in spec ? `${kind} from ${low} to ${high}` : `${kind}(${low}, ${high}${steps})`
  const isInside = (value: unknown): value is number =>
    typeof value === 'number' && value >= low && value <= high && isValue(value)
  if (!isInside(start)) {
    throw new TuneError('space/invalid', `${written}: the default ${String(start)} is ${steps ? 'none of its values' : 'outside the range'}`, { hint: 'widen the range, so that the baseline lies well inside it' }) // prettier-ignore
  }
  return {
    spec,
    dims: [{ name: '', levels, ordered: true }],
    decode: ([x]) => decode(x!),
    encode: (value) => {
      if (isInside(value)) return [encode(value)]
      const what = kind === 'int' || kind === 'logint' ? 'a whole number' : 'a number'
      throw new TuneError('params/invalid', `${JSON.stringify(value) ?? 'nothing'} is not ${what} of ${written}`)
    },
  }
}

// A coordinate has 53 bits: beyond these, it could not tell neighbours apart, nor span the range.
const MOST_WHOLE = 1e12
const MOST_REAL = 1e300

function checkEnds(kind: string, low: number, high: number, furthest: number): void {
  const written = `${kind}(${low}, ${high})`
  if (![low, high].every(Number.isFinite))
    throw new TuneError('space/invalid', `${written}: both ends must be finite numbers`)
  if (low > high)
    throw new TuneError('space/invalid', `${written}: the low end is above the high end`, {
      hint: `write ${kind}(${high}, ${low})`,
    })
  if (Math.max(-low, high) > furthest)
    throw new TuneError('space/invalid', `${written}: both ends must lie within ${furthest} of 0`)
}

function checkPositive(kind: string, low: number, high: number, suggested: number): void {
  if (low > 0 || low > high || Number.isNaN(low)) return
  throw new TuneError('space/invalid', `${kind}(${low}, ${high}): the low end must be greater than 0 on a log scale`, {
    hint: `try ${kind}(${suggested}, ${high}), or a range that is not logarithmic`,
  })
}

function checkWhole(kind: string, low: number, high: number, step: number): void {
  if (![low, high].every((end) => Number.isInteger(end) || !Number.isFinite(end)))
    throw new TuneError('space/invalid', `${kind}(${low}, ${high}): both ends must be whole numbers`)
  if (!Number.isInteger(step))
    throw new TuneError('space/invalid', `${kind}(${low}, ${high}, { step: ${step} }): the step must be a whole number`)
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value))
}
