import type { Json } from './json.ts'

/** A place in the unit cube, one coordinate a dimension. A coordinate that its condition switches off is NaN. */
export type Point = readonly number[]

/**
 * One coordinate. `levels` is Infinity for a continuous one; otherwise the coordinate stands for level
 * `floor(x * levels)`, and `ordered` says whether neighbouring levels are alike. `when` makes the dimension
 * conditional: it counts only where the dimension `back` places before it is active and has that level.
 */
export interface Dim {
  readonly name: string
  readonly levels: number
  readonly ordered: boolean
  readonly when?: { readonly back: number; readonly level: number }
}

/**
 * A parameter: what it was declared as, the dimensions it takes, and the way from their coordinates to a value and
 * back. `decode` takes any numbers of [0, 1]; `encode` gives level centres, and throws `params/invalid` for a value
 * that the parameter cannot take. `decode(encode(value))` is `value`, but for the last digits of a real number.
 */
export interface Param<out T> {
  readonly spec: ParamSpec
  readonly dims: readonly Dim[]
  decode(point: Point): T
  encode(value: unknown): Point
}

export type Choice = string | number | boolean | null

/** A range of numbers; with a step, those that are whole steps from its low end. */
export type NumberSpec = {
  readonly low: number
  readonly high: number
  readonly step?: number
  readonly default: number
} & (
  | { readonly kind: 'uniform' | 'loguniform' | 'int' | 'logint' }
  | { readonly kind: 'normal'; readonly mean: number; readonly deviation: number }
  | { readonly kind: 'lognormal'; readonly median: number; readonly factor: number }
)

/** How a parameter was declared, as plain data: for the store, for messages, and to see whether a space changed. */
export type ParamSpec =
  | NumberSpec
  | { readonly kind: 'choice' | 'ordinal'; readonly choices: readonly Choice[]; readonly default: Choice }
  | { readonly kind: 'oneOf'; readonly options: Readonly<Record<string, Readonly<Record<string, ParamSpec>>>>; readonly default: Json } // prettier-ignore

export type Space = Readonly<Record<string, Param<unknown>>>

/** The typed values of a space: what an objective is handed. */
export type Values<S extends Space> = { readonly [K in keyof S]: S[K] extends Param<infer T> ? T : never }

/** Values once the type of their study is forgotten. */
export type Params = Readonly<Record<string, Json>>

/** The level that a coordinate stands for. */
export function levelAt(x: number, levels: number): number {
  return Math.min(levels - 1, Math.max(0, Math.floor(x * levels)))
}

/** The coordinate in the middle of a level. */
export function levelCentre(level: number, levels: number): number {
  return (level + 0.5) / levels
}
