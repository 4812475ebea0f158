import { TuneError } from './errors.ts'
import { isAtMost, type HalfSpace, type Term } from './half_spaces.ts'
import type { Param, Space } from './param.ts'

/** A demand on params that samplers can look into: a function of them, as any `where`. */
export interface WeightedSum<K extends string = string> {
  (params: Readonly<Record<K, number>>): boolean
  readonly weights: Readonly<Record<K, number>>
  readonly atLeast: number
  readonly atMost: number
}

type Bounds = { readonly atMost: number; readonly atLeast?: number } | { readonly atLeast: number }

/**
 * A demand on a sum of numbers, for a study's `where`: `weightedSum({ semantic: 1, center: 0.01 }, { atMost: 3 })`. Samplers
 * know where it holds and suggest nothing else, however little of the space that is; of a function they only learn, point
 * by point, whether it does. With both bounds alike, the sum is fixed. Bounds hold to 9 digits.
 */
export function weightedSum<const K extends string>(
  weights: Readonly<Record<K, number>>,
  bounds: Bounds,
): WeightedSum<K> {
  const { atLeast = -Infinity, atMost = Infinity } = bounds as { readonly atLeast?: number; readonly atMost?: number }
  const entries = Object.entries<number>(weights)
  const written = textOf({ weights, atLeast, atMost })
  if (entries.length === 0 || !entries.every(([, weight]) => Number.isFinite(weight) && weight !== 0))
    throw new TuneError('study/invalid', `weightedSum: ${written}: needs weights that are finite, and none that is 0`)
  if (!(atLeast <= atMost) || (!Number.isFinite(atLeast) && !Number.isFinite(atMost)))
    throw new TuneError('study/invalid', `weightedSum: ${written}: no sum lies within such bounds`, { hint: 'write weightedSum({ a: 1, b: 2 }, { atMost: 3 })' }) // prettier-ignore
  const holds = (params: Readonly<Record<K, number>>) => {
    const terms = entries.map(([name, weight]) => weight * params[name as K])
    return isAtMost(terms, atMost) && isAtMost(terms.map((term) => -term), -atLeast) // prettier-ignore
  }
  return Object.assign(holds, { weights, atLeast, atMost })
}

/** `a + 2 b - c, at most 3`. */
export function textOf({ weights, atLeast, atMost }: Pick<WeightedSum, 'weights' | 'atLeast' | 'atMost'>): string {
  const terms = Object.entries(weights).map(([name, weight], i) => {
    const sign = weight < 0 ? (i === 0 ? '-' : ' - ') : i === 0 ? '' : ' + '
    return `${sign}${Math.abs(weight) === 1 ? '' : `${Math.abs(weight)} `}${name}`
  })
  const bounds = [atLeast > -Infinity ? `at least ${atLeast}` : '', atMost < Infinity ? `at most ${atMost}` : '']
  return `${terms.join('')}, ${atLeast === atMost ? `exactly ${atMost}` : bounds.filter(Boolean).join(' and ')}`
}

/**
 * Where the weighted sums among a study's demands hold, which are given by their names. Throws where one is about something
 * else than numbers of the space, or can never hold.
 */
export function halfSpacesOf(space: Space, where: Readonly<Record<string, unknown>>): readonly HalfSpace[] {
  return Object.entries(where).flatMap(([name, demand]) => {
    if (!isWeightedSum(demand)) return []
    const halves = ([[1, demand.atMost], [-1, -demand.atLeast]] as const).filter(([, atMost]) => atMost < Infinity) // prettier-ignore
    return halves.map(([sign, atMost]) => {
      const terms = Object.entries(demand.weights).map(([param, weight]) => termOf(space, name, param, sign * weight))
      const least = terms.reduce((sum, { at }) => sum + Math.min(at(0), at(1)), 0)
      if (!isAtMost([least], atMost))
        throw new TuneError('study/invalid', `where '${name}' can never hold: in this space, the sum is ${sign > 0 ? 'at least' : 'at most'} ${Number((sign * least).toPrecision(6))}`) // prettier-ignore
      return { terms, atMost }
    })
  })
}

/** A study's demand may come from another copy of this module. */
export function isWeightedSum(demand: unknown): demand is WeightedSum {
  return typeof demand === 'function' && 'weights' in demand && 'atMost' in demand && 'atLeast' in demand
}

function termOf(space: Space, demand: string, name: string, weight: number): Term {
  const param = Object.hasOwn(space, name) ? space[name] : undefined
  if (!param || !isNumber(param))
    throw new TuneError('study/invalid', `where '${demand}': '${name}' is ${param ? `${param.spec.kind}(), no number` : 'no parameter'} of the space`, { hint: 'of choices and conditional parameters, demand it by a function: where: (params) => ...' }) // prettier-ignore
  const before = Object.keys(space).slice(0, Object.keys(space).indexOf(name))
  const dim = before.reduce((sum, other) => sum + space[other]!.dims.length, 0)
  return { dim, at: (x) => weight * param.decode([x]) }
}

function isNumber(param: Param<unknown>): param is Param<number> {
  return 'low' in param.spec
}
