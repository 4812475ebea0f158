import { TuneError } from '../errors.ts'
import { scale } from './graph/arithmetic.ts'
import { bindFlat, countOf } from './graph/bind.ts'
import { input, newGraph, output, sizeOf, type Graph, type Tensor } from './graph/graph.ts'
import * as onnx from './graph/onnx.ts'
import { upsampleBilinear } from './graph/resize.ts'
import { gradients } from './graph/reverse.ts'
import { termGradientNorms } from './losses/gradient_norms.ts'
import type { Losses } from './losses/options.ts'
import { fedTargets, lossTerms, weightedLoss, type LossTerm, type LossWeights } from './losses/terms.ts'
import type { Heads, Model } from './model.ts'
import { clipGradient, type Clipping } from './optimizers/clip.ts'
import { AVERAGE, averaged } from './optimizers/average.ts'
import type { Optimizer } from './optimizers/optimizer.ts'

/** What the way from images to a gradient is written for. All else is fed, so one graph serves all who share this. */
export interface StepShape {
  readonly model: Model
  /** Images in a batch, and their size. */
  readonly size: number
  readonly height: number
  readonly width: number
  readonly losses: Losses
  /** Which terms have a weight; the weights themselves are fed. */
  readonly weights: LossWeights
  /** Parts of the network that stay as they are: `backbone`, or `backbone.stage1`. */
  readonly frozen: readonly string[]
  /** Whether it also says what each image adds to the loss: `sceneLosses`, one a scene. Default false. */
  readonly isMined?: boolean
}

/** What the way from a gradient to new weights is written for. */
export interface UpdateShape {
  readonly optimizer: Optimizer
  readonly clipping: Clipping
  /** Whether the state has a moving average of the weights, its slot `average`. */
  readonly isAveraged: boolean
}

/**
 * One training step: a batch and the state in, the losses and the new state out. The state is vectors: `weights`,
 * `buffers` where the network has any, and the optimizer's slots; they come out as `newWeights` and so on.
 */
export function trainStepGraph(shape: StepShape, update: UpdateShape): Graph {
  const { graph, gradient } = lossAndGradient(shape)
  writeUpdate(graph, gradient, update)
  return graph
}

/** Forward and reverse only: adds the gradient of a batch to `sum`, for steps of several batches. */
export function accumulateGraph(shape: StepShape): Graph {
  const { graph, gradient } = lossAndGradient(shape)
  bindFlat(graph, 'weights')
  output('newSum', onnx.add(input(graph, 'sum', 'float32', gradient.shape), gradient))
  return graph
}

/** The rest of such a step: the mean of `sum` over `batches`, and the state, to the new state. */
export function updateGraph(shape: StepShape, update: UpdateShape, batches: number): Graph {
  const { graph, terms } = forward(shape)
  weightedLoss(terms, shape.losses) // what it learns is a part of the weights
  for (const part of [graph.nodes, graph.inputs, graph.outputs, graph.tape]) part.length = 0
  graph.layer = 'optimizer'
  const sum = input(graph, 'sum', 'float32', [countOf(graph, 'parameters')])
  writeUpdate(graph, onnx.mul(sum, 1 / batches), update)
  return graph
}

/** Weights and a batch in; the losses, `total`, and the flat `gradient` of their weighted sum out. */
export function gradientGraph(shape: StepShape): Graph {
  const { graph, gradient } = lossAndGradient(shape)
  bindFlat(graph, 'weights')
  output('gradient', gradient)
  return graph
}

/** What each term is and does: the state and a batch in, its value, factor, length of gradient and part of pixels out. */
export function diagnosisGraph(shape: StepShape): Graph {
  const { graph, terms } = forward(shape)
  const norms = termGradientNorms(terms)
  const { factors } = weightedLoss(terms, shape.losses)
  outputTerms(terms, factors, shape)
  for (const [i, { name, pixels }] of terms.entries()) {
    output(`${name}Norm`, norms[i]!)
    output(`${name}Pixels`, pixels)
  }
  bindFlat(graph, 'weights')
  bindBuffers(graph)
  return graph
}

function lossAndGradient(shape: StepShape): { readonly graph: Graph; readonly gradient: Tensor } {
  const { graph, terms } = forward(shape)
  const { total, factors, images } = weightedLoss(terms, shape.losses)
  outputTerms(terms, factors, shape)
  if (shape.isMined) output('sceneLosses', images)
  output('total', total)
  const gradient = flatGradient(total)
  const changed = graph.buffers.some(({ name }) => graph.updates.has(name))
  const before = bindBuffers(graph)
  if (before && changed) output('newBuffers', newBuffers(graph))
  return { graph, gradient }
}

/** A term's weight comes out only where it is not the one that is fed. */
function outputTerms(terms: readonly LossTerm[], factors: readonly Tensor[], { losses }: StepShape): void {
  for (const [i, { name, value }] of terms.entries()) {
    output(`${name}Loss`, value)
    if (losses.weighting === 'learned') output(`${name}Weight`, factors[i]!)
  }
}

/** The network on a batch (see `Batch`), and the terms of its loss. */
function forward(shape: StepShape): { readonly graph: Graph; readonly terms: readonly LossTerm[] } {
  const { model, size, height, width, losses, weights, frozen } = shape
  const graph = newGraph({ isTraining: true, isFrozen: (layer) => frozen.some((part) => isWithin(layer, part)) })
  const images = input(graph, 'images', 'float32', [size, 3, height, width])
  const heads = atStride(model, model.forward(images), losses.stride ?? model.stride)
  return { graph, terms: lossTerms(heads, fedTargets(heads.semantic), losses, weights) }
}

/** Whether a layer, `backbone.stage1`, is a part of the network or lies within it. */
export function isWithin(layer: string, part: string): boolean {
  return layer === part || layer.startsWith(`${part}.`)
}

/** The heads' outputs where the targets are, offsets in pixels of the image. */
export function atStride(model: Model, heads: Heads, stride: number): Heads {
  const factor = model.stride / stride
  if (!Number.isInteger(factor)) {
    throw new TuneError('params/invalid', `losses: stride is ${stride}, must divide ${model.stride}, the network's`)
  }
  const upsample = (x: Tensor) => (factor === 1 ? x : upsampleBilinear(x, factor))
  const { semantic, center, offset } = heads
  return {
    semantic: upsample(semantic),
    ...(center && { center: upsample(center) }),
    ...(offset && { offset: scale(upsample(offset), model.stride) }),
  }
}

function flatGradient(total: Tensor): Tensor {
  const { graph } = total
  const parts = gradients(total).map((gradient) => onnx.reshape(gradient, [sizeOf(gradient.shape)]))
  graph.layer = 'optimizer'
  return onnx.concat(parts, 0)
}

function bindBuffers(graph: Graph): Tensor | undefined {
  return graph.buffers.length > 0 ? bindFlat(graph, 'buffers', 'buffers') : undefined
}

function newBuffers(graph: Graph): Tensor {
  const values = graph.buffers.map(({ name, shape }) => {
    return graph.updates.get(name) ?? ({ graph, name, type: 'float32', shape } as const)
  })
  return onnx.concat(values.map((value) => onnx.reshape(value, [sizeOf(value.shape)])), 0) // prettier-ignore
}

function writeUpdate(graph: Graph, gradient: Tensor, { clipping, isAveraged, ...update }: UpdateShape): void {
  const vector = (name: string) => input(graph, name, 'float32', gradient.shape)
  const number = (name: string) => input(graph, name, 'float32', [])
  const shapes = graph.parameters.map(({ shape }) => shape)
  const { clipped, norm } = clipGradient(gradient, clipping, () => number('clip'), shapes)
  const weights = bindFlat(graph, 'weights')
  const optimizer = isAveraged ? averaged(update.optimizer, number('averageDecay')) : update.optimizer
  const after = optimizer.step({
    weights,
    slots: optimizer.slots.map(vector),
    gradient: clipped,
    lr: number('lr'),
    weightDecay: number('weightDecay'),
    step: number('step'),
    lrScale: vector('lrScale'),
    decays: vector('decays'),
  })
  output('gradNorm', norm)
  output('newWeights', after.weights)
  for (const [i, slot] of optimizer.slots.entries()) output(newName(slot), after.slots[i]!)
}

/** Names of the vectors that an update keeps beside the weights. */
export function slotsOf({ optimizer, isAveraged }: UpdateShape): readonly string[] {
  return isAveraged ? [...optimizer.slots, AVERAGE] : optimizer.slots
}

/** The output that becomes a part of the state, `momentum`, in the next step: `newMomentum`. */
export function newName(name: string): string {
  return `new${name.slice(0, 1).toUpperCase()}${name.slice(1)}`
}
