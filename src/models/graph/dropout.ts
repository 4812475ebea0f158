import { TuneError } from '../../errors.ts'
import { noise, scalar, type Tensor } from './graph.ts'
import * as onnx from './onnx.ts'
import { differentiable } from './reverse.ts'

/**
 * Dropout (Srivastava et al. 2014): in training each value becomes 0 with probability `rate`, 0 up to but without 1,
 * and the others grow so that their expectation stays; elsewhere nothing happens.
 */
export function dropout(x: Tensor, rate: number): Tensor {
  if (!(rate >= 0 && rate < 1)) {
    throw new TuneError('model/invalid', `${x.graph.layer}: a dropout rate is at least 0 and less than 1, not ${rate}`)
  }
  const { isTraining, isFrozen } = x.graph.purpose
  if (rate === 0 || !isTraining || isFrozen(x.graph.layer)) return x
  const isKept = onnx.atLeast(noise(x.graph, x.shape), scalar(x.graph, rate))
  const factor = onnx.mul(isKept, 1 / (1 - rate))
  return differentiable(onnx.mul(x, factor), [x, (dy) => onnx.mul(dy, factor)])
}
