import * as onnx from '../graph/onnx.ts'
import { adamChange, MOMENTS } from './adam.ts'
import type { AdamOptions, Optimizer } from './optimizer.ts'

/** AdamW (Loshchilov & Hutter 2019, algorithm 2), whose weight decay is no part of the gradient. */
export function adamW(options: AdamOptions): Optimizer {
  return {
    slots: MOMENTS,
    step(state) {
      const { weights, lr, weightDecay, lrScale, decays } = state
      const { change, slots } = adamChange(state, options)
      const decay = onnx.mul(onnx.mul(weights, decays), onnx.mul(lr, weightDecay))
      return { weights: onnx.sub(weights, onnx.mul(onnx.add(change, decay), lrScale)), slots }
    },
  }
}
