import { movedWithin } from '../half_spaces.ts'
import { stream } from '../rng.ts'
import type { Sampler, Suggestion } from '../search/sampler.ts'
import { decodeSpace, encodeSpace, type Params, type Point } from '../space.ts'
import type { Study } from '../study.ts'
import { isPlaced, type History, type Trial } from '../trial.ts'
import { anyAllowed, anyNew, brokenBy, demandsOf } from './allowed.ts'
import { blame } from './blame.ts'
import { triedIn } from './tried.ts'

/** How often a sampler is asked for something that is allowed and new. */
const ATTEMPTS = 8

/** What to run next, and why. */
export interface Advice extends Omit<Suggestion, 'point'> {
  readonly params: Params
}

/**
 * What the sampler suggests, once it is something that the study allows and that no trial has tried. What it may not
 * have stands beside the running trials when it is asked again, with other chance. Where a sampler insists, params at random
 * take the place of what is not allowed and, where all parameters have levels, of what was tried, as long as some are left.
 */
export function suggest(study: Study, sampler: Sampler, history: History, number: number): Advice | undefined {
  const { space, seed } = study
  const tried = triedIn(history, study)
  const placed = tried.unplaced === 0 ? history : placedOf(history)
  const known = { ...placed, ...demandsOf(study) }
  const refused: Trial[] = []
  let repeated: Advice | undefined
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const rng = attempt === 0 ? stream(seed, 'suggest', number) : stream(seed, 'suggest', number, attempt)
    const seen = refused.length === 0 ? known : { ...known, trials: [...known.trials, ...refused] }
    const suggestion = blame(`sampler '${sampler.name}'`, () => sampler.suggest(seen, rng))
    if (!suggestion) return repeated
    const advice = adviceOf(study, sampler, suggestion, known.within)
    const point = encodeSpace(space, advice.params)
    const isAllowed = brokenBy(study, advice.params) === undefined
    if (isAllowed && (isFree(sampler, suggestion) || !tried.has(point))) return advice
    if (isAllowed) repeated ??= advice
    refused.push(pretended(number + attempt, advice.params, point))
  }
  if (!repeated) return { params: anyAllowed(study, history.dims.length, number), reason: 'at random: nothing that the sampler suggested is allowed' } // prettier-ignore
  const left = known.dims.every(({ levels }) => levels < Infinity) && anyNew(study, tried, history.dims.length, number)
  return left ? { params: left, reason: 'at random: all that the sampler suggested was tried before' } : repeated
}

/** The history without trials that lie outside the space: no sampler could tell where they were. */
function placedOf(history: History): History {
  return { ...history, trials: history.trials.filter((trial) => isPlaced(history, trial)) }
}

/** The params of a suggestion, moved to where the study's weighted sums hold if its sampler does not look at them. */
function adviceOf(
  { space }: Study,
  { name }: Sampler,
  { point, reason, ...rest }: Suggestion,
  within: History['within'] = [],
): Advice {
  const params = blame(`sampler '${name}'`, () => decodeSpace(space, movedWithin(within, point))) as Params
  return { params, reason: `${name}: ${reason}`, ...rest }
}

/** Whether it may repeat what was tried: it wants replicates, or goes on from where a trial ended. */
function isFree({ repeats }: Sampler, { from }: Suggestion): boolean {
  return repeats === true || from !== undefined
}

function pretended(number: number, params: Params, point: Point): Trial {
  const device = { kind: 'cpu', index: 0, threads: 1 } as const
  return { number, params, point, seed: 0, device, reports: [], outcome: { state: 'running' } }
}
