import { imageCount, totalCounts, type ImageStatistics } from './image_statistics.ts'

/** PQ over all classes, a fraction, and how far each image moves it, to first order; the moves sum to 0. */
export interface Influence {
  readonly pq: number
  readonly moves: Float64Array
}

/**
 * The influence function of PQ (the infinitesimal jackknife, Jaeckel 1972): image i moves the mean over C classes by
 * 1/C sum_c (iou_ic - PQ_c segments_ic) / segments_c. One pass, a hundred times cheaper than a bootstrap, whose standard
 * error it meets within some percent: for live display and for races; reports take the bootstrap.
 */
export function influence(statistics: ImageStatistics): Influence {
  const { starts, classOf, iou, tp, fp, fn } = statistics
  const total = totalCounts(statistics)
  const segments = total.tp.map((matched, c) => matched + total.fp[c]! / 2 + total.fn[c]! / 2)
  const present = segments.filter((all) => all > 0).length
  const quality = total.iou.map((sum, c) => (segments[c]! > 0 ? sum / segments[c]! : 0))
  const moves = new Float64Array(imageCount(statistics))
  for (let image = 0; image < moves.length; image++) {
    let move = 0
    for (let at = starts[image]!; at < starts[image + 1]!; at++) {
      const c = classOf[at]!
      move += (iou[at]! - quality[c]! * (tp[at]! + fp[at]! / 2 + fn[at]! / 2)) / segments[c]!
    }
    moves[image] = move / present
  }
  return { pq: quality.reduce((sum, pq) => sum + pq, 0) / present, moves }
}

/** Standard error of PQ over images. Infinite for a single image, of whose kind nothing is known. */
export function standardError(statistics: ImageStatistics): number {
  return errorOf(influence(statistics).moves)
}

/** PQ of a less PQ of b on the same images, and its standard error: paired, for what images share cancels. */
export function influenceDifference(
  a: ImageStatistics,
  b: ImageStatistics,
): { readonly difference: number; readonly standardError: number } {
  if (imageCount(a) !== imageCount(b)) {
    throw new RangeError(`${imageCount(a)} and ${imageCount(b)} images cannot be paired`)
  }
  const [first, second] = [influence(a), influence(b)]
  const moves = first.moves.map((move, image) => move - second.moves[image]!)
  return { difference: first.pq - second.pq, standardError: errorOf(moves) }
}

function errorOf(moves: Float64Array): number {
  const squares = moves.reduce((sum, move) => sum + move * move, 0)
  return moves.length < 2 ? Infinity : Math.sqrt((squares * moves.length) / (moves.length - 1))
}
