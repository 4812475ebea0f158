import type { Category } from '../data/image_set.ts'
import type { Batch } from './batch.ts'
import type { BatchStream } from './batch_stream.ts'
import { decodePanoptic, headMaps, type DecodeOptions } from './decode.ts'
import { instanceWeights } from './instance_weighting.ts'
import type { InstanceWeighting } from './losses/options.ts'
import type { Predictor } from './predictor.ts'

export interface InstanceBatchOptions {
  readonly categories: readonly Category[]
  readonly weighting: InstanceWeighting
  readonly decode: DecodeOptions
  /** Pixels of the image to one of the batch's targets. */
  readonly stride: number
}

/**
 * The same batches, with weights by what the network makes of the instances in them at that moment: it predicts every
 * batch before it is trained on it. `predictor` is for images of the batches' size, and stays whoever opened it's.
 */
export function weighedByInstances(
  batches: BatchStream,
  predictor: Predictor,
  { categories, weighting, decode, stride }: InstanceBatchOptions,
): BatchStream {
  let weights = new Float32Array(0)
  const weigh = async (batch: Batch): Promise<Float32Array> => {
    const { size, images, semantic } = batch
    const outputs = await predictor.predict(images, size)
    const { height, width } = outputs
    const cells = semantic.length / size
    if (weights.length !== semantic.length) weights = new Float32Array(semantic.length)
    const at = pixelsOfCells(height, width, stride)
    for (let n = 0; n < size; n++) {
      const maps = headMaps(outputs, n, height, width)
      const { labels, segments } = decodePanoptic(maps, categories, decode)
      const evidence = {
        panoptic: { labels: Uint16Array.from(at, (pixel) => labels[pixel]!), segments },
        predicted: Int32Array.from(at, (pixel) => maps.semantic[pixel]!),
        target: semantic.subarray(n * cells, (n + 1) * cells),
        classes: categories.length,
      }
      instanceWeights(weighting, evidence, weights.subarray(n * cells, (n + 1) * cells))
    }
    return weights
  }
  return {
    ...batches,
    async next(losses) {
      const batch = await batches.next(losses)
      return { ...batch, instanceWeights: await weigh(batch) }
    },
  }
}

/** The pixel that a cell of the targets has its label from. */
function pixelsOfCells(height: number, width: number, stride: number): Int32Array {
  const [rows, columns] = [height / stride, width / stride]
  return Int32Array.from({ length: rows * columns }, (_, cell) => {
    const [row, column] = [Math.floor(cell / columns), cell % columns]
    return (row * stride + (stride >> 1)) * width + column * stride + (stride >> 1)
  })
}
