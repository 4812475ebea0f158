import { sizeOf, type Shape, type Tensor } from '../graph/graph.ts'
import * as onnx from '../graph/onnx.ts'
import { parseKind, type Rules } from '../options.ts'

/**
 * What of a gradient a limit holds for: nothing, each of its elements, the length of each parameter's gradient
 * (detectron2's `norm`), or the length of all of it (detectron2's `full_model`).
 */
export type Clipping = 'none' | 'value' | 'tensor_norm' | 'norm'

const KINDS: Readonly<Record<Clipping, Rules>> = { none: {}, value: {}, tensor_norm: {}, norm: {} }

/** PyTorch's `clip_grad_norm_` adds it to the norm. */
const EPSILON = 1e-6

/** A way of clipping by its name, checked. Default `norm`. Throws `params/invalid`. */
export function parseClipping(value: unknown = 'norm'): Clipping {
  return parseKind<{ readonly kind: Clipping }>('gradient clipping', value, KINDS).kind
}

/**
 * A flat gradient within a limit, a scalar, as PyTorch's `clip_grad_value_` and `clip_grad_norm_` have it, and the length
 * that the whole had before. The limit is asked for where there is one. `shapes` are those of the parameters that it is
 * the gradient of, in order.
 */
export function clipGradient(
  gradient: Tensor,
  clipping: Clipping,
  limitOf: () => Tensor,
  shapes: readonly Shape[],
): { readonly clipped: Tensor; readonly norm: Tensor } {
  const norm = lengthOf(gradient)
  if (clipping === 'none') return { clipped: gradient, norm }
  const limit = limitOf()
  switch (clipping) {
    case 'value':
      return { clipped: onnx.max(onnx.min(gradient, limit), onnx.mul(limit, -1)), norm }
    case 'norm':
      return { clipped: shortened(gradient, norm, limit), norm }
    case 'tensor_norm': {
      const parts = onnx.split(gradient, shapes.map(sizeOf)) // prettier-ignore
      return { clipped: onnx.concat(parts.map((part) => shortened(part, lengthOf(part), limit)), 0), norm } // prettier-ignore
    }
  }
}

function lengthOf(vector: Tensor): Tensor {
  return onnx.sqrt(onnx.total(onnx.mul(vector, vector)))
}

function shortened(vector: Tensor, length: Tensor, limit: Tensor): Tensor {
  return onnx.mul(vector, onnx.min(onnx.div(limit, onnx.add(length, EPSILON)), 1))
}
