import { TuneError } from '../errors.ts'
import { placing } from '../half_spaces.ts'
import { stream } from '../rng.ts'
import { decodeSpace, encodeSpace, type Params, type Point } from '../space.ts'
import type { Study } from '../study.ts'
import type { History } from '../trial.ts'
import { halfSpacesOf } from '../weighted_sum.ts'
import { blame } from './blame.ts'
import type { Tried } from './tried.ts'

/** Draws over the whole space of which one must satisfy what a study demands of its params. */
const DRAWS = 10_000

/** The first of a study's demands that some params break, by its name; undefined where they are allowed. */
export function brokenBy({ where }: Study, params: Params): string | undefined {
  return Object.keys(where).find((name) => !isKept(where, name, params))
}

/** What samplers know of a study's demands; nothing where it has none. */
export function demandsOf(study: Study): Pick<History, 'allows' | 'within'> {
  const { space, where } = study
  if (Object.keys(where).length === 0) return {}
  const within = halfSpacesOf(space, where)
  const allows = (point: Point) => brokenBy(study, decodeSpace(space, point) as Params) === undefined
  return { allows, ...(within.length > 0 && { within }) }
}

/** Draws of which one should be new, in a space of levels where a few are left. */
const DRAWS_OF_NEW = 1000

/** Params at random that the study allows, and no trial has tried; undefined where none of many draws is such. */
export function anyNew(study: Study, tried: Tried, dims: number, number: number): Params | undefined {
  for (const params of drawn(study, dims, number, DRAWS_OF_NEW))
    if (!tried.has(encodeSpace(study.space, params)) && brokenBy(study, params) === undefined) return params
  return undefined
}

/** Params at random that the study allows. Throws where none of many draws is, naming what none of them satisfies. */
export function anyAllowed(study: Study, dims: number, number: number): Params {
  const satisfied = new Set<string>()
  for (const params of drawn(study, dims, number, DRAWS)) {
    const kept = Object.keys(study.where).filter((name) => isKept(study.where, name, params))
    if (kept.length === Object.keys(study.where).length) return params
    for (const name of kept) satisfied.add(name)
  }
  const never = Object.keys(study.where).find((name) => !satisfied.has(name))
  const what = never === undefined ? `all of where: ${Object.keys(study.where).join('; ')}` : `where '${never}'`
  throw new TuneError('study/invalid', `${study.name}: none of ${DRAWS} points at random satisfies ${what}`, {
    hint: 'loosen it, or give the space ranges in which it holds more often',
  })
}

/** Params at random, of which the weighted sums of the study hold. */
function* drawn({ space, where, seed }: Study, dims: number, number: number, count: number): Generator<Params> {
  const rng = stream(seed, 'where', number)
  const place = placing(halfSpacesOf(space, where))
  for (let draw = 0; draw < count; draw++) {
    const { point } = place(Array.from({ length: dims }, () => rng.uniform()))
    yield decodeSpace(space, point) as Params
  }
}

function isKept(where: Study['where'], name: string, params: Params): boolean {
  return blame(`where '${name}'`, () => where[name]!(params as never))
}
