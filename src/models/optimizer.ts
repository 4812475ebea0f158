import type { Tensor } from './graph/graph.ts'
import { clipGradient } from './optimizers/clip.ts'
import { optimizerOf, type Step } from './optimizers/optimizer.ts'

/** What AdamW keeps: weights and their gradients' running moments, flat vectors of one length. */
export interface AdamState {
  readonly weights: Tensor
  readonly momentum: Tensor
  readonly variance: Tensor
}

/** Shortens a gradient to length `clip`, a scalar; gives it and the length it had. */
export function clipNorm(gradient: Tensor, clip: Tensor): { readonly clipped: Tensor; readonly norm: Tensor } {
  return clipGradient(gradient, 'norm', clip, [])
}

/** One step of AdamW with PyTorch's defaults. */
export function adamW(
  { weights, momentum, variance }: AdamState,
  gradient: Tensor,
  inputs: Pick<Step, 'lr' | 'weightDecay' | 'step' | 'lrScale' | 'decays'>,
): AdamState {
  const after = optimizerOf('adamw').step({ ...inputs, weights, slots: [momentum, variance], gradient })
  return { weights: after.weights, momentum: after.slots[0]!, variance: after.slots[1]! }
}
