import type { Tensor } from './graph/graph.ts'
import * as onnx from './graph/onnx.ts'

/** What AdamW keeps: weights and their gradients' running moments, flat vectors of one length. */
export interface AdamState {
  readonly weights: Tensor
  readonly momentum: Tensor
  readonly variance: Tensor
}

/** What may change from step to step; scalars but for the two vectors. All are fed, so one graph serves every trial. */
export interface AdamInputs {
  readonly lr: Tensor
  readonly weightDecay: Tensor
  /** Counts from 1. */
  readonly step: Tensor
  /** One factor of the LR a weight. */
  readonly lrScale: Tensor
  /** One a weight: 1 where weight decay applies, else 0. */
  readonly decays: Tensor
}

const BETA1 = 0.9
const BETA2 = 0.999
const EPSILON = 1e-8
/** PyTorch's `clip_grad_norm_` adds it to the norm. */
const CLIP_EPSILON = 1e-6

/** Shortens a gradient to length `clip`, a scalar, as PyTorch does; gives it and the length it had. */
export function clipNorm(gradient: Tensor, clip: Tensor): { readonly clipped: Tensor; readonly norm: Tensor } {
  const norm = onnx.sqrt(onnx.total(onnx.mul(gradient, gradient)))
  const factor = onnx.min(onnx.div(clip, onnx.add(norm, CLIP_EPSILON)), 1)
  return { clipped: onnx.mul(gradient, factor), norm }
}

/** One step of AdamW (Loshchilov & Hutter 2019, algorithm 2), with PyTorch's defaults. */
export function adamW(state: AdamState, gradient: Tensor, inputs: AdamInputs): AdamState {
  const { lr, weightDecay, step, lrScale, decays } = inputs
  const momentum = onnx.add(onnx.mul(state.momentum, BETA1), onnx.mul(gradient, 1 - BETA1))
  const variance = onnx.add(onnx.mul(state.variance, BETA2), onnx.mul(onnx.mul(gradient, gradient), 1 - BETA2))

  // The bias corrections are scalars, and so is all that they are joined with here: vectors are long.
  const correction1 = onnx.rsub(1, onnx.pow(BETA1, step))
  const correction2 = onnx.sqrt(onnx.rsub(1, onnx.pow(BETA2, step)))
  const denominator = onnx.add(onnx.sqrt(variance), onnx.mul(correction2, EPSILON))
  const stepSize = onnx.div(onnx.mul(lr, correction2), correction1)

  const change = onnx.mul(onnx.div(momentum, denominator), stepSize)
  const decay = onnx.mul(onnx.mul(state.weights, decays), onnx.mul(lr, weightDecay))
  const weights = onnx.sub(state.weights, onnx.mul(onnx.add(change, decay), lrScale))
  return { weights, momentum, variance }
}
