import * as onnx from '../graph/onnx.ts'
import type { Optimizer, OptimizerOptions } from './optimizer.ts'

/** Gradient descent with momentum, as PyTorch's `SGD`: the LR is not part of what the momentum remembers. */
export function sgd({ momentum = 0.9, nesterov = false }: Extract<OptimizerOptions, { kind: 'sgd' }>): Optimizer {
  return {
    slots: momentum > 0 ? ['momentum'] : [],
    step({ weights, slots, gradient, lr, weightDecay, lrScale, decays }) {
      const slope = onnx.add(gradient, onnx.mul(onnx.mul(weights, decays), weightDecay))
      const after = slots.map((velocity) => onnx.add(onnx.mul(velocity, momentum), slope))
      const [velocity] = after
      const direction = velocity && nesterov ? onnx.add(slope, onnx.mul(velocity, momentum)) : (velocity ?? slope)
      return { weights: onnx.sub(weights, onnx.mul(onnx.mul(direction, lr), lrScale)), slots: after }
    },
  }
}
