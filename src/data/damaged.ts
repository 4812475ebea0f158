import { isTuneError, nearest, TuneError } from '../errors.ts'
import { stream } from '../rng.ts'
import type { DamagedImage, Scene } from './image_set.ts'

/**
 * What becomes of an image whose photograph or labels are missing or damaged: `error` refuses the set, `skip` leaves the
 * image out, `resample` puts another image of the set, drawn at random, in its place.
 */
export type DamagedPolicy = (typeof POLICIES)[number]

const POLICIES = ['error', 'skip', 'resample'] as const

/** Throws `usage` for a policy that nobody knows: a study's setting may be any text. */
export function checkPolicy(policy: string): void {
  if (POLICIES.some((known) => known === policy)) return
  const near = nearest(policy, POLICIES)
  throw new TuneError('usage', `there is no policy '${policy}' for damaged images`, {
    hint: near ? `did you mean '${near}'?` : `there are ${POLICIES.join(', ')}`,
  })
}

/** What `make` gives, or what is wrong with the image where the policy lets the others go on without it. */
export async function orDamaged<T>(
  imageId: number | string,
  policy: DamagedPolicy,
  make: () => T | Promise<T>,
): Promise<T | DamagedImage> {
  try {
    return await make()
  } catch (error) {
    if (policy === 'error' || !isTuneError(error)) throw error
    return { imageId, what: error.message }
  }
}

/** The scenes to train on. Every set of the same files draws the same replacements. */
export function withoutDamaged(all: readonly (Scene | DamagedImage)[], policy: DamagedPolicy): readonly Scene[] {
  const whole = wholeOf(all)
  if (policy !== 'resample' || whole.length === 0) return whole
  const drawn = (place: number) => whole[stream(0, 'resample', place).below(whole.length)]!
  return all.map((scene, place) => (isDamaged(scene) ? drawn(place) : scene))
}

export function isDamaged(image: object): image is DamagedImage {
  return 'what' in image
}

export function wholeOf<T extends object>(images: readonly (T | DamagedImage)[]): readonly T[] {
  return images.flatMap((image) => (isDamaged(image) ? [] : [image]))
}

/** Throws `data/invalid` when there are more of them than chance explains; `json` names the set. */
export function checkDamaged(damaged: readonly DamagedImage[], images: number, most: number, json: string): void {
  const [first] = damaged
  if (!first || (damaged.length <= most * images && damaged.length < images)) return
  const share = `${damaged.length} of ${images} images (${percent(damaged.length / images)})`
  throw new TuneError('data/invalid', `${json}: ${share} are missing or damaged, first ${first.what}`, {
    hint: `at most ${percent(most)} may be; fetch the data set again, or allow more with damagedShare`,
  })
}

/** What is said about them when a set is opened. */
export function noteDamaged([first, ...more]: readonly DamagedImage[], policy: DamagedPolicy): readonly string[] {
  if (!first) return []
  const fate = policy === 'skip' ? 'left out' : 'replaced by others'
  return [`${1 + more.length} missing or damaged images ${fate}, first ${first.what}`]
}

function percent(share: number): string {
  return `${Number((100 * share).toPrecision(2))} %`
}
