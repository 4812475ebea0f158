import { scale, add } from './graph/arithmetic.ts'
import { bindFlat } from './graph/bind.ts'
import { input, misfit, newGraph, output, sizeOf, type Graph, type Tensor } from './graph/graph.ts'
import * as onnx from './graph/onnx.ts'
import { upsampleBilinear } from './graph/resize.ts'
import { gradients } from './graph/reverse.ts'
import { hardPixelCrossEntropy, weightedAbsoluteError, weightedSquaredError } from './losses.ts'
import type { Heads, Model } from './model.ts'
import { adamW, clipNorm } from './optimizer.ts'

/** The three losses, in the order in which their weights are fed and their values come out. */
export const LOSSES = ['semantic', 'center', 'offset'] as const

/**
 * One training step as a graph: the batch and the optimizer's state in; the losses, the gradient's norm and the new
 * state out. Whatever a study may tune without changing the network is an input.
 */
export function trainStepGraph(model: Model, size: number, height: number, width: number): Graph {
  const { graph, losses, total } = lossGraph(model, size, height, width)
  const gradient = flatGradient(total)
  const vector = (name: string) => input(graph, name, 'float32', gradient.shape)
  const number = (name: string) => input(graph, name, 'float32', [])

  const { clipped, norm } = clipNorm(gradient, number('clip'))
  const before = { weights: bindFlat(graph, 'weights'), momentum: vector('momentum'), variance: vector('variance') }
  const after = adamW(before, clipped, {
    lr: number('lr'),
    weightDecay: number('weightDecay'),
    step: number('step'),
    lrScale: vector('lrScale'),
    decays: vector('decays'),
  })
  for (const [i, name] of LOSSES.entries()) output(`${name}Loss`, losses[i]!)
  output('gradNorm', norm)
  output('newWeights', after.weights)
  output('newMomentum', after.momentum)
  output('newVariance', after.variance)
  return graph
}

/** Forward and reverse only: weights and a batch in, the losses and the flat gradient of their weighted sum out. */
export function gradientGraph(model: Model, size: number, height: number, width: number): Graph {
  const { graph, losses, total } = lossGraph(model, size, height, width)
  const gradient = flatGradient(total)
  bindFlat(graph, 'weights')
  for (const [i, name] of LOSSES.entries()) output(`${name}Loss`, losses[i]!)
  output('total', total)
  output('gradient', gradient)
  return graph
}

interface LossGraph {
  readonly graph: Graph
  readonly losses: readonly Tensor[]
  readonly total: Tensor
}

/** The network on a batch (see `Batch`) and its losses; the weights of the losses are fed. */
function lossGraph(model: Model, size: number, height: number, width: number): LossGraph {
  const graph = newGraph()
  const images = input(graph, 'images', 'float32', [size, 3, height, width])
  if (height % model.divisor !== 0 || width % model.divisor !== 0) {
    throw misfit(`images are trained on at multiples of ${model.divisor} pixels`, [images], 'choose another crop size')
  }
  const map = (name: string, channels: number) =>
    input(graph, name, 'float32', [size, channels, height / model.lossStride, width / model.lossStride])
  const labels = input(graph, 'semantic', 'int32', [size, 1, height / model.lossStride, width / model.lossStride])

  const { semantic, center, offset } = atLossStride(model, model.forward(images))
  graph.layer = 'loss'
  const losses = [
    hardPixelCrossEntropy(semantic, labels, map('semanticWeights', 1), model.hardPixels),
    weightedSquaredError(center, map('center', 1), map('centerWeights', 1)),
    weightedAbsoluteError(offset, map('offset', 2), map('offsetWeights', 1)),
  ]
  const weighted = losses.map((loss, i) => scale(loss, input(graph, `${LOSSES[i]}Factor`, 'float32', [])))
  return { graph, losses, total: weighted.reduce(add) }
}

/** The heads' outputs where the targets are, offsets in pixels of the image. */
function atLossStride(model: Model, heads: Heads): Heads {
  const factor = model.stride / model.lossStride
  const upsample = (x: Tensor) => (factor === 1 ? x : upsampleBilinear(x, factor))
  return {
    semantic: upsample(heads.semantic),
    center: upsample(heads.center),
    offset: scale(upsample(heads.offset), model.stride),
  }
}

function flatGradient(total: Tensor): Tensor {
  const { graph } = total
  const parts = gradients(total).map((gradient) => onnx.reshape(gradient, [sizeOf(gradient.shape)]))
  graph.layer = 'optimizer'
  return onnx.concat(parts, 0)
}
