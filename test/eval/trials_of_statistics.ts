import { bootstrapDifference, bootstrapInterval } from '../../src/eval/bootstrap.ts'
import { pickImages, totalCounts, type ImageStatistics } from '../../src/eval/image_statistics.ts'
import { panopticQuality } from '../../src/eval/pq.ts'
import { clearlyBehind, raceLooks } from '../../src/eval/racing.ts'
import { SCORES, SPLITS } from '../../src/eval/resampled_quality.ts'
import { stream } from '../../src/rng.ts'
import { simulatedCategories } from './simulated.ts'

/** How often intervals held the truth, and p was below 0.05: of all that were asked for, by what they are of. */
export interface Coverage {
  readonly sets: number
  readonly covered: Readonly<Record<string, number>>
  readonly significant: number
}

/** Draws data sets of so many images from a world of two results, and asks each for its intervals. */
export function coverage(
  world: readonly [ImageStatistics, ImageStatistics],
  { images, sets, resamples, seed }: { images: number; sets: number; resamples: number; seed: number },
): Coverage {
  const categories = simulatedCategories(world[0].classes)
  const [truthA, truthB] = world.map((result) => panopticQuality(totalCounts(result), categories)) as [Quality, Quality]
  const covered: Record<string, number> = {}
  let significant = 0
  for (let set = 0; set < sets; set++) {
    const drawn = drawImages(world, images, seed, set)
    const rng = stream(seed, 'resamples', set)
    const single = bootstrapInterval(drawn[0], categories, rng, resamples)
    const paired = bootstrapDifference(...drawn, categories, rng, resamples)
    for (const split of SPLITS) {
      for (const score of SCORES) {
        const [a, b] = [truthA[split][score]!, truthB[split][score]!]
        const [one, two] = [single[split][score], paired[split][score]]
        const name = `${split} ${score}`
        covered[name] = (covered[name] ?? 0) + Number(one !== null && one.low <= a && a <= one.high)
        const difference = `${name} difference`
        covered[difference] = (covered[difference] ?? 0) + Number(two !== null && two.low <= a - b && a - b <= two.high)
      }
    }
    if ((paired.All.pq?.p ?? 1) < 0.05) significant++
  }
  return { sets, covered, significant }
}

/** How simulated races ended. */
export interface Races {
  readonly races: number
  /** Candidates better on the full set, and those of them that were stopped. */
  readonly better: number
  readonly wrong: number
  readonly stopped: number
  /** Images scored, as a fraction of all. */
  readonly scored: number
}

/** Races the second result of a world against the first, on data sets drawn from it. */
export function races(
  world: readonly [ImageStatistics, ImageStatistics],
  { images, races, z = 3.3, seed }: { images: number; races: number; z?: number; seed: number },
): Races {
  let [better, wrong, stopped, scored] = [0, 0, 0, 0]
  for (let i = 0; i < races; i++) {
    // Images are drawn in random order: their order is that of the race.
    const [best, candidate] = drawImages(world, images, seed, i)
    const isBetter = pqOf(candidate) > pqOf(best)
    const at = raceLooks(images).find((seen) => {
      const order = Array.from({ length: seen }, (_, image) => image)
      return clearlyBehind(pickImages(candidate, order), pickImages(best, order), images, z) !== undefined
    })
    better += Number(isBetter)
    wrong += Number(isBetter && at !== undefined)
    stopped += Number(at !== undefined)
    scored += (at ?? images) / images
  }
  return { races, better, wrong, stopped, scored: scored / races }
}

type Quality = ReturnType<typeof panopticQuality>

function drawImages(
  world: readonly [ImageStatistics, ImageStatistics],
  images: number,
  seed: number,
  number: number,
): [ImageStatistics, ImageStatistics] {
  const rng = stream(seed, 'draw', number)
  const all = world[0].starts.length - 1
  const indices = Uint32Array.from({ length: images }, () => rng.below(all))
  return [pickImages(world[0], indices), pickImages(world[1], indices)]
}

function pqOf(statistics: ImageStatistics): number {
  return panopticQuality(totalCounts(statistics), simulatedCategories(statistics.classes)).All.pq!
}
