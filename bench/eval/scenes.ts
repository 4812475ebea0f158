import { stream, type Rng } from '../../src/rng.ts'

/** A made-up image of the size of COCO's: ground truth and prediction, which is the truth moved a little. */
export interface MadeScene {
  readonly width: number
  readonly height: number
  readonly truth: Side
  readonly prediction: Side
}

interface Side {
  /** Label n is `segments[n - 1]`, 0 void. */
  readonly labels: Uint16Array
  /** Ascending by id; `category` is an index into the categories. Every one has pixels. */
  readonly segments: readonly { readonly id: number; readonly category: number; readonly area: number }[]
}

export const CLASSES = 133
export const categories = Array.from({ length: CLASSES }, (_, i) => ({
  id: i + 1,
  name: `class ${i}`,
  isThing: i < 80,
}))

/**
 * 640x480 pixels in 8 to 20 segments with wavy borders, about as many runs as a COCO image has (6,000). `isNoisy`
 * frays the borders of the prediction, as a network's are: 15,000 runs.
 */
export function madeScene(seed: number, isNoisy = false, width = 640, height = 480): MadeScene {
  const rng = stream(seed, 'bench scene')
  const spots = Array.from({ length: 8 + rng.below(13) }, () => newSpot(rng, width, height))
  const moved = spots.map((spot) => (rng.uniform() < 0.1 ? newSpot(rng, width, height) : nudged(spot, rng)))
  return {
    width,
    height,
    truth: paint(spots, width, height, rng, 6),
    prediction: paint(moved, width, height, rng, isNoisy ? 25 : 6.5),
  }
}

interface Spot {
  readonly x: number
  readonly y: number
  readonly weight: number
  readonly category: number
  readonly isVoid: boolean
}

function newSpot(rng: Rng, width: number, height: number): Spot {
  const [x, y] = [rng.uniform() * width, rng.uniform() * height]
  return { x, y, weight: 0.6 + 0.8 * rng.uniform(), category: rng.below(CLASSES), isVoid: rng.uniform() < 0.1 }
}

function nudged(spot: Spot, rng: Rng): Spot {
  const category = rng.uniform() < 0.1 ? rng.below(CLASSES) : spot.category
  return { ...spot, x: spot.x + 6 * rng.normal(), y: spot.y + 6 * rng.normal(), category }
}

/** Each pixel goes to the spot that is nearest by its weight; `frayed` pixels of chance blur the borders. */
function paint(spots: readonly Spot[], width: number, height: number, rng: Rng, frayed: number): Side {
  const places = new Uint16Array(width * height)
  const [xs, ys, weights] = [spots.map(({ x }) => x), spots.map(({ y }) => y), spots.map(({ weight }) => weight)]
  for (let y = 0, i = 0; y < height; y++) {
    const sway = 5 * Math.sin(y / 9) + 3 * Math.sin(y / 3.1)
    for (let x = 0; x < width; x++, i++) {
      const [px, py] = [x + sway + frayed * (rng.uniform() - 0.5), y + 5 * Math.sin(x / 11)]
      let [best, least] = [0, Infinity]
      for (let s = 0; s < xs.length; s++) {
        const [dx, dy] = [px - xs[s]!, py - ys[s]!]
        const distance = (dx * dx + dy * dy) * weights[s]!
        if (distance < least) [best, least] = [s, distance]
      }
      places[i] = best
    }
  }
  return labelled(spots, places)
}

function labelled(spots: readonly Spot[], places: Uint16Array): Side {
  const areas = new Uint32Array(spots.length)
  for (const place of places) areas[place]! += 1
  const shown = spots.flatMap(({ category, isVoid }, place) =>
    isVoid || areas[place] === 0 ? [] : [{ place, category }],
  )
  const labelOf = new Uint16Array(spots.length)
  for (const [i, { place }] of shown.entries()) labelOf[place] = i + 1
  const segments = shown.map(({ place, category }, i) => ({
    id: 1000 * (i + 1) + 77 * i,
    category,
    area: areas[place]!,
  }))
  return { labels: places.map((place) => labelOf[place]!), segments }
}
