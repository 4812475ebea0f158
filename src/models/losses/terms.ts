import { TuneError } from '../../errors.ts'
import { add, scale } from '../graph/arithmetic.ts'
import { inLayer, input, parameter, sizeOf, sizes4, type Graph, type Tensor } from '../graph/graph.ts'
import * as onnx from '../graph/onnx.ts'
import { differentiable } from '../graph/reverse.ts'
import type { Heads } from '../model.ts'
import { checkOptions, notNegative } from '../options.ts'
import type { Loss } from './classes.ts'
import { distillation } from './distillation.ts'
import type { Losses } from './options.ts'
import { absoluteError, sharesOf, squaredError } from './regression.ts'
import { semanticLoss } from './semantic.ts'

/** All terms of a loss, in the order in which they are added up. */
export const TERMS = ['semantic', 'center', 'offset', 'distillation'] as const

export type TermName = (typeof TERMS)[number]

/** Factors of the terms, at least 0. A term of factor 0, the default, is not built. */
export type LossWeights = { readonly [name in TermName]?: number }

const WEIGHTS = Object.fromEntries(TERMS.map((name) => [name, notNegative]))

/** One term of the loss, before its weight. */
export interface LossTerm extends Loss {
  readonly name: TermName
}

/** Channels of everything that the terms compare the heads with; see `Batch`. */
const TARGETS = {
  semantic: 1,
  semanticWeights: 1,
  center: 1,
  centerWeights: 1,
  offset: 2,
  offsetWeights: 1,
  /** At least 0 (see `instanceWeights`). */
  instanceWeights: 1,
  /** Probabilities, one channel a class; all 0 where the teacher is silent. */
  teacher: 'classes',
} as const

export type TargetName = keyof typeof TARGETS

/** The target of some name, N x channels x h x w like the heads. It is asked for what the terms need and nothing else. */
export type Targets = (name: TargetName) => Tensor

/** Targets that are fed under their own names, for heads of the size of the semantic one. */
export function fedTargets(semantic: Tensor): Targets {
  const [size, classes, height, width] = sizes4(semantic)
  const known = new Map<TargetName, Tensor>()
  return (name) => {
    const channels = TARGETS[name] === 'classes' ? classes : TARGETS[name]
    const type = name === 'semantic' ? 'int32' : 'float32'
    const target = known.get(name) ?? input(semantic.graph, name, type, [size, channels, height, width])
    known.set(name, target)
    return target
  }
}

/** Throws `params/invalid` for weights of losses that nobody knows, or that leave nothing to train. */
export function checkWeights(weights: LossWeights): void {
  checkOptions('weights of the losses', weights, WEIGHTS)
  if (weighted(weights).length > 0) return
  throw new TuneError('params/invalid', 'every loss has weight 0: there is nothing to train', {
    hint: `give one of ${TERMS.join(', ')} a weight`,
  })
}

function weighted(weights: LossWeights): readonly TermName[] {
  return TERMS.filter((name) => (weights[name] ?? 0) > 0)
}

/** The terms of the loss that have a weight. The heads are at the targets' stride, offsets in pixels of the image. */
export function lossTerms(heads: Heads, target: Targets, losses: Losses, weights: LossWeights): LossTerm[] {
  checkWeights(weights)
  return inLayer(heads.semantic.graph, 'loss', () =>
    weighted(weights).map((name) => ({ name, ...lossOf(name, heads, target, losses) })),
  )
}

function lossOf(name: TermName, heads: Heads, target: Targets, losses: Losses): Loss {
  const emphasis = () => (losses.instances ? target('instanceWeights') : undefined)
  switch (name) {
    case 'semantic': {
      const weights = emphasis() ?? target('semanticWeights')
      return semanticLoss(heads.semantic, target('semantic'), weights, losses.semantic)
    }
    case 'distillation':
      return distillation(heads.semantic, target('teacher'), losses.temperature)
    case 'center': {
      const shares = sharesOf(target('centerWeights'), emphasis())
      return squaredError(headOf(heads, 'center'), target('center'), shares)
    }
    case 'offset': {
      const shares = sharesOf(target('offsetWeights'), emphasis())
      const halves = losses.offsetMean === 'values' ? onnx.mul(shares, 1 / TARGETS.offset) : shares
      return absoluteError(headOf(heads, 'offset'), target('offset'), halves)
    }
  }
}

function headOf(heads: Partial<Heads>, name: 'center' | 'offset'): Tensor {
  const head = heads[name]
  if (head) return head
  throw new TuneError('params/invalid', `the loss '${name}' has a weight, but the network has no such output`, {
    hint: `give weights without ${name}, or choose a network with instances`,
  })
}

/** A loss made of its terms. */
export interface WeightedLoss {
  /** The scalar that training lowers. */
  readonly total: Tensor
  /** What each term counts with, in the terms' order: scalars, fed as `semanticFactor` and so on, or learned. */
  readonly factors: readonly Tensor[]
  /** N: what each image adds, for hard-example mining. */
  readonly images: Tensor
}

/** Adds the terms up, each times its weight, which is fed; a learned weighting multiplies that by `exp(-s)`. */
export function weightedLoss(terms: readonly LossTerm[], { weighting }: Pick<Losses, 'weighting'>): WeightedLoss {
  const { graph } = terms[0]!.value
  return inLayer(graph, 'loss', () => {
    const parts = terms.map(({ name, value }) => {
      const factor = input(graph, `${name}Factor`, 'float32', [])
      return weighting === 'learned' ? learned(graph, name, scale(value, factor), factor) : { value: scale(value, factor), factor } // prettier-ignore
    })
    const factors = parts.map(({ factor }) => factor)
    const images = terms.map((term, i) => onnx.mul(term.images, factors[i]!)).reduce((a, b) => onnx.add(a, b))
    const total = parts.map(({ value }) => value).reduce(add)
    return { total, factors, images: onnx.reshape(images, [sizeOf(images.shape)]) }
  })
}

/** `exp(-s) loss + s / 2` with a parameter s of the layer `loss`, the logarithm of the loss's variance. */
function learned(graph: Graph, name: TermName, loss: Tensor, fed: Tensor): { value: Tensor; factor: Tensor } {
  const logVariance = parameter(graph, name, [], { kind: 'constant', value: 0 })
  const certainty = onnx.exp(onnx.mul(logVariance, -1))
  const scaled = onnx.mul(loss, certainty)
  const value = differentiable(
    onnx.add(scaled, onnx.mul(logVariance, 0.5)),
    [loss, (dy) => onnx.mul(dy, certainty)],
    [logVariance, (dy) => onnx.mul(onnx.rsub(0.5, scaled), dy)],
  )
  return { value, factor: onnx.mul(certainty, fed) }
}
