import type { Device } from '../trial.ts'
import type { HeadOutputs } from './batch.ts'
import { openSession } from './engines/open.ts'
import { floats, integers } from './engines/session.ts'
import { scale } from './graph/arithmetic.ts'
import { bindFlat } from './graph/bind.ts'
import { input, newGraph, output, sizes4, type Graph, type Tensor } from './graph/graph.ts'
import * as onnx from './graph/onnx.ts'
import { upsampleBilinear } from './graph/resize.ts'
import type { Model } from './model.ts'

/** Predicts with the weights that a trainer has at that moment. */
export interface Predictor {
  /** `images`: `size` x 3 x H x W, normalised; any number up to the predictor's batch. */
  predict(images: Float32Array, size: number): Promise<HeadOutputs>
  close(): Promise<void>
}

export interface PredictorOptions {
  readonly model: Model
  readonly height: number
  readonly width: number
  readonly batch: number
  readonly device: Device
}

/** What a network has learned: all parameters, and all buffers, one after another. */
export interface Kept {
  readonly weights: Float32Array
  readonly buffers: Float32Array
}

/** Opens the network for images of one size. `kept` is asked at every prediction. */
export async function openPredictor(options: PredictorOptions, kept: () => Kept): Promise<Predictor> {
  const { model, height, width, batch } = options
  const graph = headsGraph(model, batch, height, width)
  bindFlat(graph, 'weights')
  if (graph.buffers.length > 0) bindFlat(graph, 'buffers', 'buffers')
  const hasInstances = graph.outputs.some(({ name }) => name === 'center')
  const session = await openSession(graph, options.device)
  return {
    async predict(images, size) {
      const pixels = height * width
      const whole = size === batch ? images : new Float32Array(batch * 3 * pixels)
      if (whole !== images) whole.set(images)
      const results = await session.run({ images: whole, ...kept() })
      return {
        size,
        height,
        width,
        semantic: integers(results, 'semantic').subarray(0, size * pixels),
        // A network without instances finds none.
        center: hasInstances ? floats(results, 'center').subarray(0, size * pixels) : new Float32Array(size * pixels),
        offset: hasInstances
          ? floats(results, 'offset').subarray(0, size * 2 * pixels)
          : new Float32Array(size * 2 * pixels),
      }
    },
    close: () => session.close(),
  }
}

/** The network behind images, N x 3 x H x W, which `prepare` normalises; what `HeadOutputs` holds comes out. */
export function headsGraph(
  model: Model,
  batch: number,
  height: number,
  width: number,
  prepare: (images: Tensor) => Tensor = (images) => images,
): Graph {
  const graph = newGraph()
  graph.layer = 'preparation'
  const images = prepare(input(graph, 'images', 'float32', [batch, 3, height, width]))
  graph.layer = ''
  const heads = model.forward(padded(images, model.divisor))
  graph.layer = 'prediction'
  const fullSize = (x: Tensor) => cropped(upsampleBilinear(x, model.stride), height, width)
  output('semantic', onnx.toInt32(onnx.argMax(fullSize(heads.semantic), 1)))
  if (heads.center) output('center', fullSize(heads.center))
  if (heads.offset) output('offset', scale(fullSize(heads.offset), model.stride))
  return graph
}

/** Zeros below and to the right, up to a size that the network can halve as often as it does. */
function padded(images: Tensor, divisor: number): Tensor {
  const [, , height, width] = sizes4(images)
  const [bottom, right] = [(divisor - (height % divisor)) % divisor, (divisor - (width % divisor)) % divisor]
  return bottom + right === 0 ? images : onnx.pad(images, 0, 0, bottom, right)
}

function cropped(x: Tensor, height: number, width: number): Tensor {
  return x.shape[2] === height && x.shape[3] === width ? x : onnx.slice(x, [2, 3], [0, 0], [height, width])
}
