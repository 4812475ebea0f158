import { imageCount, type ImageStatistics } from './image_statistics.ts'

/** How a mean over classes changes where its images are left out one by one. */
export interface LeftOut {
  /** How far it lies off to one side, for ratios of few images do. */
  readonly bias: number
  /** By image: what its absence changes; NaN where no class would be left. */
  readonly moves: Float64Array
}

/** A class's score is one sum over its entries divided by another; 0 where that is 0. */
export interface Ratio {
  readonly top: ArrayLike<number>
  readonly bottom: ArrayLike<number>
}

/**
 * The jackknife over images (Quenouille 1956; Efron & Stein 1981) of the mean over some classes. Where a class rests on a
 * single image, how far it was off the mean is all that is known of its spread; its bias is that of resamples, of which 1
 * in e lacks that image.
 */
export function leaveOneOut(
  statistics: ImageStatistics,
  { top, bottom }: Ratio,
  isCounted: (category: number) => boolean,
): LeftOut {
  const { classes, starts, classOf } = statistics
  const images = imageCount(statistics)
  const zeros = () => new Float64Array(classes)
  const [tops, bottoms, occurs, rests] = [zeros(), zeros(), zeros(), zeros()]
  for (let at = 0; at < classOf.length; at++) {
    const c = classOf[at]!
    if (!isCounted(c)) continue
    tops[c]! += top[at]!
    bottoms[c]! += bottom[at]!
    occurs[c]! += 1
    rests[c]! += bottom[at] === 0 ? 0 : 1
  }
  const present = occurs.filter((count) => count > 0).length
  const scores = tops.map((sum, c) => ratio(sum, bottoms[c]!))
  const mean = scores.reduce((sum, score) => sum + score, 0) / present

  const moves = new Float64Array(images)
  const missing = (1 - 1 / images) ** images
  let bias = 0
  for (let image = 0; image < images; image++) {
    let [gone, goneScores, alone] = [0, 0, 0]
    for (let at = starts[image]!; at < starts[image + 1]!; at++) {
      const c = classOf[at]!
      if (occurs[c] === 0) continue
      if (occurs[c] === 1) {
        gone++
        goneScores += scores[c]!
        continue
      }
      const change = (ratio(tops[c]! - top[at]!, bottoms[c]! - bottom[at]!) - scores[c]!) / present
      if (rests[c]! > 1) {
        moves[image]! += change
        bias += (change * (images - 1)) / images
      } else alone += change
    }
    if (gone > 0) alone += (gone * mean - goneScores) / (present - gone)
    moves[image]! += alone
    bias += missing * alone
  }
  return { bias, moves }
}

/** What moves say of a value: its standard error, and the degrees of freedom behind that. */
export interface Spread {
  readonly error: number
  /** Whole, from 1 to one less than the images: the fewer, the fewer images make most of the spread. */
  readonly degrees: number
}

/** Degrees of freedom are Satterthwaite's (1946): those of a variance that is known as badly as this one. */
export function spreadOfMoves(moves: Float64Array): Spread {
  const images = moves.length
  const mean = moves.reduce((sum, move) => sum + move, 0) / images
  let [squares, fourths] = [0, 0]
  for (const move of moves) {
    const square = (move - mean) ** 2
    squares += square
    fourths += square * square
  }
  const kurtosis = squares === 0 ? 1 : (images * fourths) / squares ** 2
  const degrees = (2 * images) / (kurtosis - 1 + 2 / (images - 1))
  // A single image says nothing of others.
  return {
    error: images < 2 ? Number.NaN : Math.sqrt((squares * (images - 1)) / images),
    degrees: Math.max(1, Math.floor(Math.min(images - 1, degrees))),
  }
}

function ratio(top: number, bottom: number): number {
  return bottom === 0 ? 0 : top / bottom
}
