import type { Tensor } from '../graph/graph.ts'
import { labelledPixels, type Loss } from './classes.ts'
import { crossEntropy } from './cross_entropy.ts'
import { dice } from './dice.ts'
import { meanOfLabelled, meanOfLargest, meanOfLargestByImage, meanOfUnlikely } from './mining.ts'
import type { SemanticLoss } from './options.ts'

/**
 * The semantic loss of a kind. `logits`: N x C x h x w; `labels`: N x h x w int32, -1 is ignored; `weights`: N x h x w.
 */
export function semanticLoss(logits: Tensor, labels: Tensor, weights: Tensor, options: SemanticLoss): Loss {
  const { kind, classWeights } = options
  if (kind === 'dice') return dice(logits, labelledPixels(logits, labels, weights), classWeights)

  const pixels = labelledPixels(logits, labels, weights, classWeights)
  if (kind === 'focal') {
    return crossEntropy(logits, pixels, (losses) => meanOfLabelled(losses, pixels.isLabelled), options.gamma ?? 2)
  }
  if (kind === 'ohem') {
    const { threshold = 0.7, minKept = 0.05 } = options
    return crossEntropy(logits, pixels, (losses, probability) =>
      meanOfUnlikely(losses, probability(), pixels.isLabelled, { threshold, minKept }),
    )
  }
  const { hardPixels = 0.2, mining = 'batch' } = options
  const average = mining === 'batch' ? meanOfLargest : meanOfLargestByImage
  return crossEntropy(logits, pixels, (losses) => average(losses, hardPixels))
}
