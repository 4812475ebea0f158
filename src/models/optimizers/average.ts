import type { Tensor } from '../graph/graph.ts'
import * as onnx from '../graph/onnx.ts'
import type { Optimizer } from './optimizer.ts'

/** The slot that holds averaged weights. */
export const AVERAGE = 'average'

/**
 * An optimizer that also keeps an exponential moving average of the weights, in the slot `average`. `decay` is a scalar
 * below 1. Until the average is as long as that says, it is the plain mean of the weights after each step: nothing of the
 * initial weights, nor of the slot's zeros, stays in it.
 */
export function averaged(optimizer: Optimizer, decay: Tensor): Optimizer {
  return {
    slots: [...optimizer.slots, AVERAGE],
    step(state) {
      const { weights, slots } = optimizer.step({ ...state, slots: state.slots.slice(0, -1) })
      const kept = onnx.min(onnx.rsub(1, onnx.reciprocal(state.step)), decay)
      const average = onnx.add(onnx.mul(state.slots.at(-1)!, kept), onnx.mul(weights, onnx.rsub(1, kept)))
      return { weights, slots: [...slots, average] }
    },
  }
}
