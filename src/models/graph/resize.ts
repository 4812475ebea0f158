import { constant, emit, misfit, sizes4, type Tensor } from './graph.ts'
import * as onnx from './onnx.ts'
import { differentiable } from './reverse.ts'

/** Every pixel becomes a square of `factor` by `factor` equal ones. */
export function upsampleNearest(x: Tensor, factor = 2): Tensor {
  const shape = grown(x, factor)
  const scales = constant(x.graph, [4], [1, 1, factor, factor])
  const how = { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' }
  return differentiable(emit('Resize', [x, undefined, scales], { shape }, how), [
    x,
    (dy) => {
      const window = { kernel_shape: [factor, factor], strides: [factor, factor] }
      return onnx.mul(emit('AveragePool', [dy], { shape: x.shape }, window), factor * factor)
    },
  ])
}

/** Linear between pixel centres in both directions: PyTorch's `interpolate` with `align_corners=False`. */
export function upsampleBilinear(x: Tensor, factor: number): Tensor {
  const [, , height, width] = sizes4(x)
  return resize(x, height * factor, width * factor, 'half_pixel')
}

/**
 * Where a pixel of the result looks. `nearest`: at one old pixel, floor(i old / new). Linear between the two next old
 * ones: `half_pixel`, where the edges of both images lie upon each other; `align_corners`, where the centres of their
 * corner pixels do. All three as PyTorch's `interpolate`, without smoothing where the image shrinks.
 */
export type ResizeMode = 'nearest' | 'half_pixel' | 'align_corners'

/** Brings images, N x C x H x W, to another size. */
export function resize(x: Tensor, height: number, width: number, mode: ResizeMode): Tensor {
  const [, , oldHeight, oldWidth] = sizes4(x)
  if (height === oldHeight && width === oldWidth) return x
  if (![height, width].every((size) => Number.isInteger(size) && size > 0)) throw misfit(`cannot be resized to ${height} x ${width}`, [x]) // prettier-ignore
  const [rows, columns] = [interpolation(oldHeight, height, mode), interpolation(oldWidth, width, mode)]
  const y = sandwich(rows, x, transposed(columns))
  return differentiable(y, [x, (dy) => sandwich(transposed(rows), dy, columns)])
}

type Matrix = readonly (readonly number[])[]

function sandwich(left: Matrix, x: Tensor, right: Matrix): Tensor {
  const [a, b] = [left, right].map((rows) => constant(x.graph, [rows.length, rows[0]!.length], rows.flat()))
  return onnx.matMul(a!, onnx.matMul(x, b!))
}

/** What every new pixel takes from the old ones; beyond the outermost centres it takes the outermost. */
function interpolation(old: number, size: number, mode: ResizeMode): Matrix {
  return Array.from({ length: size }, (_, i) => {
    const at = Math.min(Math.max(place(i, old, size, mode), 0), old - 1)
    return Array.from({ length: old }, (_, j) => Math.max(0, 1 - Math.abs(at - j)))
  })
}

/** Where the new pixel `i` lies among the old ones. */
function place(i: number, old: number, size: number, mode: ResizeMode): number {
  if (mode === 'nearest') return Math.floor((i * old) / size)
  if (mode === 'align_corners') return size === 1 ? 0 : (i * (old - 1)) / (size - 1)
  return ((i + 0.5) * old) / size - 0.5
}

function transposed(rows: Matrix): Matrix {
  return rows[0]!.map((_, column) => rows.map((row) => row[column]!))
}

function grown(x: Tensor, factor: number): number[] {
  return x.shape.map((size, axis) => (axis < 2 ? size : size * factor))
}
