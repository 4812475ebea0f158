import type { Panoptic } from './decode.ts'
import type { InstanceWeighting } from './losses/options.ts'

/** Keeps the logarithm of a class that an instance is never predicted as finite: the weight stays below 16.2. */
const NEVER = 1e-7

/** One image: what was predicted and what is right. */
export interface InstanceEvidence {
  /** The decoded prediction. */
  readonly panoptic: Pick<Panoptic, 'labels' | 'segments'>
  /** The predicted class of each pixel. */
  readonly predicted: Int32Array
  /** Its label, -1 where it is ignored. */
  readonly target: Int32Array
  readonly classes: number
}

/**
 * Weights of the pixels of one image by the predicted instances that cover them, height x width, at least `floor`; where
 * there is no instance, the floor. `cross_entropy`: the cross-entropy of the classes predicted in the instance, as shares
 * of its pixels, against their labels: 0 for an instance that is right everywhere, so that only wrong ones are learned
 * from. `inconsistency`: 1 where a pixel's class is not that of its instance, else 0.
 */
export function instanceWeights(
  { kind, floor = 0 }: InstanceWeighting,
  evidence: InstanceEvidence,
  weights: Float32Array = new Float32Array(evidence.predicted.length),
): Float32Array {
  const { panoptic, predicted } = evidence
  const { labels, segments } = panoptic
  if (kind === 'cross_entropy') {
    const bySegment = instanceCrossEntropies(evidence)
    for (let i = 0; i < weights.length; i++) weights[i] = Math.max(floor, bySegment[labels[i]!]!)
    return weights
  }
  // What no pixel is predicted as stands for all that is no instance.
  const classOf = Int32Array.of(-1, ...segments.map(({ isThing, category }) => (isThing ? category : -1)))
  for (let i = 0; i < weights.length; i++) {
    const own = classOf[labels[i]!]!
    weights[i] = Math.max(floor, Number(own >= 0 && own !== predicted[i]))
  }
  return weights
}

/** By label of the panoptic prediction: 0 for what is no instance, and for one without any labelled pixel. */
function instanceCrossEntropies({ panoptic, predicted, target, classes }: InstanceEvidence): Float64Array {
  const { labels, segments } = panoptic
  const predictions = new Uint32Array((segments.length + 1) * classes)
  const truths = new Uint32Array(predictions.length)
  for (let i = 0; i < labels.length; i++) {
    const row = labels[i]! * classes
    if (row === 0) continue
    predictions[row + predicted[i]!]! += 1
    if (target[i]! >= 0) truths[row + target[i]!]! += 1
  }
  return Float64Array.from({ length: segments.length + 1 }, (_, label) => {
    if (!segments[label - 1]?.isThing) return 0
    const row = label * classes
    return crossEntropy(truths.subarray(row, row + classes), predictions.subarray(row, row + classes))
  })
}

/** Of two histograms, each as shares of its own sum: -sum y ln(y' + 1e-7). */
function crossEntropy(truth: Uint32Array, prediction: Uint32Array): number {
  const labelled = truth.reduce((sum, count) => sum + count, 0)
  const pixels = prediction.reduce((sum, count) => sum + count, 0)
  if (labelled === 0) return 0
  return truth.reduce((sum, count, i) => sum - (count / labelled) * Math.log(prediction[i]! / pixels + NEVER), 0)
}
