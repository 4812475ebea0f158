import { choice, int, logint, lognormal, loguniform, normal, oneOf, ordinal, uniform } from '../space.ts'
import type { Choice, NumberSpec, Param, ParamSpec, Space } from '../space.ts'

/** The space that some specs describe: what a store rebuilds its points with, without the study file. */
export function spaceOf(specs: Readonly<Record<string, ParamSpec>>): Space {
  return Object.fromEntries(Object.entries(specs).map(([name, spec]) => [name, paramOf(spec)]))
}

function paramOf(spec: ParamSpec): Param<unknown> {
  switch (spec.kind) {
    case 'uniform':
      return uniform(spec.low, spec.high, stepped(spec))
    case 'loguniform':
      return loguniform(spec.low, spec.high, { default: spec.default })
    case 'int':
      return int(spec.low, spec.high, stepped(spec))
    case 'logint':
      return logint(spec.low, spec.high, { default: spec.default })
    case 'normal':
      return normal(spec.mean, spec.deviation, boundsOf(spec))
    case 'lognormal':
      return lognormal(spec.median, spec.factor, boundsOf(spec))
    case 'choice':
      return choice(...(spec.choices as readonly [Choice, ...Choice[]]))
    case 'ordinal':
      return ordinal(...(spec.choices as readonly [Choice, ...Choice[]]))
    default:
      return oneOf(Object.fromEntries(Object.entries(spec.options).map(([name, specs]) => [name, spaceOf(specs)])))
  }
}

function boundsOf({ low, high, default: start }: NumberSpec) {
  return { low, high, default: start }
}

function stepped({ step, default: start }: NumberSpec) {
  return step === undefined ? { default: start } : { default: start, step }
}
