import { inLayer, type Tensor } from '../graph/graph.ts'
import * as onnx from '../graph/onnx.ts'
import { gradients } from '../graph/reverse.ts'
import type { LossTerm } from './terms.ts'

/**
 * The length of each term's own gradient with respect to all parameters, before its weight: scalars, exact. It writes one
 * way back a term, so it belongs in a graph of its own that is run once a report, not in that of every step.
 */
export function termGradientNorms(terms: readonly LossTerm[]): readonly Tensor[] {
  return terms.map(({ name, value }) =>
    inLayer(value.graph, name, () => {
      const squares = gradients(value).map((gradient) => onnx.total(onnx.mul(gradient, gradient)))
      return onnx.sqrt(squares.reduce((sum, square) => onnx.add(sum, square)))
    }),
  )
}

/** Each term's part of the sum of all weighted gradients' lengths; all 0 where there is no gradient at all. */
export function gradientShares(norms: readonly number[], factors: readonly number[]): readonly number[] {
  const weighted = norms.map((norm, i) => norm * (factors[i] ?? 0))
  const sum = weighted.reduce((a, b) => a + b, 0)
  return weighted.map((norm) => (sum > 0 ? norm / sum : 0))
}
