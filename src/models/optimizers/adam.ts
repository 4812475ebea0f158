import type { Tensor } from '../graph/graph.ts'
import * as onnx from '../graph/onnx.ts'
import type { AdamOptions, Optimizer, Step } from './optimizer.ts'

/** What Adam keeps: running means of the gradient and of its square. */
export const MOMENTS = ['momentum', 'variance'] as const

/** Adam (Kingma & Ba 2015, algorithm 1) with weight decay in the gradient: PyTorch's `Adam`. */
export function adam(options: AdamOptions): Optimizer {
  return {
    slots: MOMENTS,
    step(state) {
      const decay = onnx.mul(onnx.mul(state.weights, state.decays), state.weightDecay)
      const { change, slots } = adamChange({ ...state, gradient: onnx.add(state.gradient, decay) }, options)
      return { weights: onnx.sub(state.weights, onnx.mul(change, state.lrScale)), slots }
    },
  }
}

/** How far Adam moves the weights against the gradient, before their factors of the LR, and the moments after. */
export function adamChange(
  { slots, gradient, lr, step }: Pick<Step, 'slots' | 'gradient' | 'lr' | 'step'>,
  { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 }: AdamOptions,
): { readonly change: Tensor; readonly slots: readonly Tensor[] } {
  const [oldMomentum, oldVariance] = [slots[0]!, slots[1]!]
  const momentum = onnx.add(onnx.mul(oldMomentum, beta1), onnx.mul(gradient, 1 - beta1))
  const variance = onnx.add(onnx.mul(oldVariance, beta2), onnx.mul(onnx.mul(gradient, gradient), 1 - beta2))

  // The bias corrections are scalars, and so is all that they are joined with here: vectors are long.
  const correction1 = onnx.rsub(1, onnx.pow(beta1, step))
  const correction2 = onnx.sqrt(onnx.rsub(1, onnx.pow(beta2, step)))
  const denominator = onnx.add(onnx.sqrt(variance), onnx.mul(correction2, epsilon))
  const stepSize = onnx.div(onnx.mul(lr, correction2), correction1)
  return { change: onnx.mul(onnx.div(momentum, denominator), stepSize), slots: [momentum, variance] }
}
