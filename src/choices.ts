import { TuneError } from './errors.ts'
import { canonicalJson } from './json.ts'
import { levelAt, levelCentre, type Choice, type Param, type ParamSpec, type Point } from './param.ts'

/** One of some unordered options; the first is the default. */
export function choice<const T extends readonly [Choice, ...Choice[]]>(...choices: T): Param<T[number]> {
  return levels('choice', choices)
}

/** One of some options in their order, such as widths or depths; the first is the default. */
export function ordinal<const T extends readonly [Choice, ...Choice[]]>(...choices: T): Param<T[number]> {
  return levels('ordinal', choices)
}

function levels<T extends readonly [Choice, ...Choice[]]>(kind: 'choice' | 'ordinal', choices: T): Param<T[number]> {
  if (choices.length === 0) throw new TuneError('space/invalid', `${kind}() needs at least one option`)
  const wrong = choices.findIndex((option) => !isChoice(option))
  if (wrong >= 0) {
    const option: unknown = choices[wrong]
    const what = Array.isArray(option)
      ? 'a list'
      : typeof option === 'number'
        ? String(option)
        : `of type ${typeof option}`
    const hint = Array.isArray(option) ? `write ${kind}(...options)` : 'give it a name, and look it up in the objective'
    throw new TuneError(
      'space/invalid',
      `${kind}(): an option is ${what}, not a string, finite number, boolean or null`,
      { hint },
    )
  }
  const seen = new Set(choices.map((option) => canonicalJson(option)))
  if (seen.size < choices.length)
    throw new TuneError(
      'space/invalid',
      `${kind}(${choices.map((option) => JSON.stringify(option)).join(', ')}): an option stands there twice`,
    )
  // Optuna compares as Python does, where 1 equals true: a study that mixes them could not be read back.
  if (choices.some((a) => typeof a === 'boolean' && choices.includes(Number(a)))) {
    throw new TuneError(
      'space/invalid',
      `${kind}(${choices.join(', ')}): ${choices.find((option) => typeof option === 'boolean')} and its number are the same option to Optuna`,
    )
  }
  const decode = ([x]: Point) => choices[levelAt(x!, choices.length)]!
  const places = choices.map((_, level): Point => [levelCentre(level, choices.length)])
  const encode = (value: unknown): Point => {
    const place = places[choices.indexOf(value as Choice)]
    if (!place)
      throw new TuneError(
        'params/invalid',
        `${JSON.stringify(value) ?? 'nothing'} is none of ${choices.map((option) => JSON.stringify(option)).join(', ')}`,
      )
    return place
  }
  const spec: ParamSpec = { kind, choices, default: choices[0] }
  return { spec, dims: [{ name: '', levels: choices.length, ordered: kind === 'ordinal' }], decode, encode }
}

function isChoice(option: unknown): option is Choice {
  return option === null || typeof option === 'string' || typeof option === 'boolean' || Number.isFinite(option)
}
