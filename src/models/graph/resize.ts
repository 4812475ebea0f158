import { constant, emit, sizes4, type Tensor } from './graph.ts'
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
  const [rows, columns] = [interpolation(height, factor), interpolation(width, factor)]
  const y = sandwich(rows, x, transposed(columns))
  return differentiable(y, [x, (dy) => sandwich(transposed(rows), dy, columns)])
}

type Matrix = readonly (readonly number[])[]

function sandwich(left: Matrix, x: Tensor, right: Matrix): Tensor {
  const [a, b] = [left, right].map((rows) => constant(x.graph, [rows.length, rows[0]!.length], rows.flat()))
  return onnx.matMul(a!, onnx.matMul(x, b!))
}

/** What every new pixel takes from the `size` old ones; beyond the outermost centres it takes the outermost. */
function interpolation(size: number, factor: number): Matrix {
  return Array.from({ length: size * factor }, (_, i) => {
    const at = Math.min(Math.max((i + 0.5) / factor - 0.5, 0), size - 1)
    return Array.from({ length: size }, (_, j) => Math.max(0, 1 - Math.abs(at - j)))
  })
}

function transposed(rows: Matrix): Matrix {
  return rows[0]!.map((_, column) => rows.map((row) => row[column]!))
}

function grown(x: Tensor, factor: number): number[] {
  return x.shape.map((size, axis) => (axis < 2 ? size : size * factor))
}
