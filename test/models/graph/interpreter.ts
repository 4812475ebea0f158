import { sizeOf, type Graph, type Node, type Shape } from '../../../src/models/graph/graph.ts'

/** A tensor of any type, in float64. */
interface Value {
  readonly shape: Shape
  readonly data: Float64Array
}

type Inputs = readonly Value[]
type Attributes = Readonly<Record<string, unknown>>

/**
 * Runs a graph in float64, slowly and plainly: the reference that onnxruntime and the gradients are checked against.
 * `feeds` are its inputs. Only what the `wanted` output needs is computed.
 */
export function interpret(
  graph: Graph,
  feeds: Readonly<Record<string, ArrayLike<number>>>,
  wanted: string,
): Float64Array {
  const values = new Map<string, Value>()
  for (const { name, shape, data } of graph.constants)
    values.set(name, { shape, data: Float64Array.from(data, Number) })
  for (const { name, shape } of graph.inputs) {
    const data = feeds[name]
    if (data) values.set(name, { shape, data: Float64Array.from(data) })
  }
  const makers = new Map(graph.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)))
  const valueOf = (name: string): Value => {
    if (!values.has(name)) {
      const node = makers.get(name)!
      const results = run(node, node.inputs.map((input) => (input === '' ? none : valueOf(input)))) // prettier-ignore
      for (const [i, output] of node.outputs.entries()) values.set(output, results[i]!)
    }
    return values.get(name)!
  }
  return valueOf(graph.outputs.find((output) => output.name === wanted)!.tensor.name).data
}

/** Its number as a type in ONNX. */
const BOOL = 9

const none: Value = { shape: [0], data: new Float64Array() }

function run({ op, attributes }: Node, inputs: Inputs): readonly Value[] {
  const operation = operations[op]
  if (!operation) throw new Error(`the reference has no ${op}`)
  const result = operation(inputs, attributes)
  return Array.isArray(result) ? result : [result]
}

const operations: Readonly<Record<string, (inputs: Inputs, attributes: Attributes) => Value | Value[]>> = {
  Add: binary((a, b) => a + b),
  Sub: binary((a, b) => a - b),
  Mul: binary((a, b) => a * b),
  Div: binary((a, b) => a / b),
  Min: binary(Math.min),
  Max: binary(Math.max),
  Pow: binary(Math.pow),
  Equal: binary((a, b) => Number(a === b)),
  GreaterOrEqual: binary((a, b) => Number(a >= b)),
  Abs: unary(Math.abs),
  Erf: unary(erf),
  Exp: unary(Math.exp),
  Reciprocal: unary((x) => 1 / x),
  Relu: unary((x) => Math.max(x, 0)),
  Sigmoid: unary((x) => 1 / (1 + Math.exp(-x))),
  Sign: unary(Math.sign),
  Sqrt: unary(Math.sqrt),
  Cast: ([x], { to }) => (to === BOOL ? { shape: x!.shape, data: x!.data.map((value) => Number(value !== 0)) } : x!),
  Where: ([condition, a, b]) =>
    build(a!.shape, (at) => read(read(condition!, at) === 0 ? { ...b!, shape: [] } : a!, at)),
  ReduceSum: reduction((values) => values.reduce((a, b) => a + b, 0)),
  ReduceMean: reduction((values) => values.reduce((a, b) => a + b, 0) / values.length),
  Reshape: ([x, shape]) => ({ shape: [...shape!.data], data: x!.data }),
  Expand: ([x, shape]) => gather(x!, [...shape!.data], (at) => at.slice(at.length - x!.shape.length).map((i, d) => (x!.shape[d] === 1 ? 0 : i))), // prettier-ignore
  Transpose: ([x], { perm }) => {
    const order = numbers(perm)
    const shape = order.map((axis) => x!.shape[axis]!)
    return gather(x!, shape, (at) => order.map((_, axis) => at[order.indexOf(axis)]!))
  },
  Slice: ([x, start, end, axes, step]) => {
    const shape = [...x!.shape]
    const first = x!.shape.map(() => 0)
    const stride = x!.shape.map(() => 1)
    for (const [i, given] of axes!.data.entries()) {
      const axis = given < 0 ? given + shape.length : given
      const size = x!.shape[axis]!
      const clamp = (at: number) => Math.max(step!.data[i]! < 0 ? -1 : 0, Math.min(at < 0 ? at + size : at, size))
      stride[axis] = step!.data[i]!
      first[axis] = start!.data[i]! < 0 ? start!.data[i]! + size : start!.data[i]!
      shape[axis] = Math.ceil((clamp(end!.data[i]!) - first[axis]) / stride[axis])
    }
    return gather(x!, shape, (at) => at.map((i, d) => first[d]! + i * stride[d]!))
  },
  Pad: ([x, pads]) => {
    const rank = x!.shape.length
    const shape = x!.shape.map((size, d) => size + pads!.data[d]! + pads!.data[d + rank]!)
    return gather(x!, shape, (at) => at.map((i, d) => i - pads!.data[d]!))
  },
  Concat: (inputs, { axis }) => {
    const along = Number(axis)
    const size = inputs.reduce((sum, { shape }) => sum + shape[along]!, 0)
    return build(inputs[0]!.shape.with(along, size), (at) => {
      let rest = at[along]!
      let i = 0
      for (; rest >= inputs[i]!.shape[along]!; i++) rest -= inputs[i]!.shape[along]!
      return read(inputs[i]!, at.with(along, rest))
    })
  },
  Split: ([x, sizes]) => {
    let end = 0
    return [...sizes!.data].map((size) => ({ shape: [size], data: x!.data.slice(end, (end += size)) }))
  },
  MatMul: ([a, b]) => {
    const inner = a!.shape.at(-1)!
    const outer = a!.shape.length >= b!.shape.length ? a!.shape.slice(0, -2) : b!.shape.slice(0, -2)
    return build([...outer, a!.shape.at(-2)!, b!.shape.at(-1)!], (at) => {
      const [row, column] = [at.at(-2)!, at.at(-1)!]
      let sum = 0
      for (let k = 0; k < inner; k++) {
        sum += read(a!, [...at.slice(0, a!.shape.length - 2), row, k]) * read(b!, [...at.slice(0, b!.shape.length - 2), k, column]) // prettier-ignore
      }
      return sum
    })
  },
  Softmax: alongAxis((x, scores) => Math.exp(x - logSumExp(scores))),
  LogSoftmax: alongAxis((x, scores) => x - logSumExp(scores)),
  BatchNormalization: ([x, scale, shift, mean, variance]) =>
    build(x!.shape, (at) => {
      const [scaleOf, shiftOf, meanOf, varianceOf] = [scale, shift, mean, variance].map((one) => one!.data[at[1]!]!)
      return ((read(x!, at) - meanOf!) / Math.sqrt(varianceOf! + 1e-5)) * scaleOf! + shiftOf!
    }),
  TopK: ([x, count]) => {
    const places = [...x!.data.keys()].toSorted((i, j) => x!.data[j]! - x!.data[i]! || i - j).slice(0, count!.data[0])
    const shape = [places.length]
    return [
      { shape, data: Float64Array.from(places, (i) => x!.data[i]!) },
      { shape, data: Float64Array.from(places) },
    ]
  },
  ScatterElements: ([x, places, values], { reduction }) => {
    const data = x!.data.slice()
    for (const [i, place] of places!.data.entries()) {
      data[place] = values!.data[i]! + (reduction === 'add' ? data[place]! : 0)
    }
    return { shape: x!.shape, data }
  },
  ArgMax: ([x], { axis }) => {
    const along = Number(axis)
    return build(x!.shape.toSpliced(along, 1), (at) => {
      const scores = Array.from({ length: x!.shape[along]! }, (_, i) => read(x!, at.toSpliced(along, 0, i)))
      return scores.indexOf(Math.max(...scores))
    })
  },
  Resize: ([x, , scales]) => gather(x!, x!.shape.map((size, d) => size * scales!.data[d]!), (at) => at.map((i, d) => Math.floor(i / scales!.data[d]!))), // prettier-ignore
  AveragePool: ([x], attributes) => pool(x!, attributes, (values) => values.reduce((a, b) => a + b, 0) / values.length),
  MaxPool: ([x], attributes) => [
    pool(x!, attributes, (values) => Math.max(...values)),
    pool(x!, attributes, (values, places) => places[values.indexOf(Math.max(...values))]!),
  ],
  Conv: ([x, weight, bias], attributes) => {
    const [filters = 1, inner = 1, tall = 1, wide = 1] = weight!.shape
    const { stride, dilation, groups, top, left, bottom, right } = geometry(attributes)
    const [size = 1, , height = 1, width = 1] = x!.shape
    const rows = Math.floor((height + top + bottom - dilation * (tall - 1) - 1) / stride) + 1
    const columns = Math.floor((width + left + right - dilation * (wide - 1) - 1) / stride) + 1
    return build([size, filters, rows, columns], ([n, filter, row, column]) => {
      let sum = bias ? bias.data[filter!]! : 0
      const firstChannel = Math.floor(filter! / (filters / groups)) * inner
      each([inner, tall, wide], ([c, i, j], tap) => {
        const at = [n!, firstChannel + c!, row! * stride + i! * dilation - top, column! * stride + j! * dilation - left]
        sum += read(x!, at) * weight!.data[filter! * inner * tall * wide + tap]!
      })
      return sum
    })
  },
  ConvTranspose: ([x, weight], attributes) => {
    const [filters = 1, inner = 1, tall = 1, wide = 1] = weight!.shape
    const { stride, dilation, groups, top, left, bottom, right, below, beside } = geometry(attributes)
    const [size = 1, , rows = 1, columns = 1] = x!.shape
    const height = (rows - 1) * stride + 1 + dilation * (tall - 1) - top - bottom + below
    const width = (columns - 1) * stride + 1 + dilation * (wide - 1) - left - right + beside
    const shape = [size, inner * groups, height, width]
    const data = new Float64Array(sizeOf(shape))
    each(x!.shape, ([n, filter, row, column], at) => {
      const firstChannel = Math.floor(filter! / (filters / groups)) * inner
      each([inner, tall, wide], ([c, i, j], tap) => {
        const [y, z] = [row! * stride + i! * dilation - top, column! * stride + j! * dilation - left]
        if (y < 0 || z < 0 || y >= height || z >= width) return
        const to = ((n! * inner * groups + firstChannel + c!) * height + y) * width + z
        data[to]! += x!.data[at]! * weight!.data[filter! * inner * tall * wide + tap]!
      })
    })
    return { shape, data }
  },
}

function unary(f: (x: number) => number) {
  return ([x]: Inputs): Value => ({ shape: x!.shape, data: x!.data.map(f) })
}

function binary(f: (a: number, b: number) => number) {
  return ([a, b]: Inputs): Value => {
    const rank = Math.max(a!.shape.length, b!.shape.length)
    const shape = Array.from({ length: rank }, (_, d) =>
      Math.max(a!.shape.at(d - rank) ?? 1, b!.shape.at(d - rank) ?? 1),
    )
    const part = (x: Value, at: readonly number[]) =>
      read(x, at.slice(rank - x.shape.length).map((i, d) => (x.shape[d] === 1 ? 0 : i))) // prettier-ignore
    return build(shape, (at) => f(part(a!, at), part(b!, at)))
  }
}

function reduction(f: (values: readonly number[]) => number) {
  return ([x, axes]: Inputs, { keepdims }: Attributes): Value => {
    const reduced = axes ? [...axes.data] : [...x!.shape.keys()]
    const inner = x!.shape.map((size, axis) => (reduced.includes(axis) ? size : 1))
    const shape = x!.shape.map((size, axis) => (reduced.includes(axis) ? 1 : size))
    const { data } = build(shape, (at) => {
      const values: number[] = []
      each(inner, (offset) => values.push(read(x!, at.map((i, d) => i + offset[d]!)))) // prettier-ignore
      return f(values)
    })
    return { shape: keepdims === 0 ? shape.filter((_, axis) => !reduced.includes(axis)) : shape, data }
  }
}

/** What `f` makes of each window: of the values that lie in the image, and where they stand in the whole tensor. */
function pool(
  x: Value,
  attributes: Attributes,
  f: (values: readonly number[], places: readonly number[]) => number,
): Value {
  const [kernel = 1] = numbers(attributes['kernel_shape'])
  const { stride, top, left, bottom, right } = geometry(attributes)
  const [size = 1, channels = 1, height = 1, width = 1] = x.shape
  const rows = Math.floor((height + top + bottom - kernel) / stride) + 1
  const columns = Math.floor((width + left + right - kernel) / stride) + 1
  return build([size, channels, rows, columns], ([n, c, row, column]) => {
    const places: number[] = []
    each([kernel, kernel], ([i, j]) => {
      const [y, z] = [row! * stride + i! - top, column! * stride + j! - left]
      if (y >= 0 && z >= 0 && y < height && z < width) places.push(((n! * channels + c!) * height + y) * width + z)
    })
    return f(places.map((place) => x.data[place]!), places) // prettier-ignore
  })
}

/** Makes each element of what it is and what all along the axis are. */
function alongAxis(f: (x: number, all: readonly number[]) => number) {
  return ([x]: Inputs, { axis }: Attributes): Value => {
    const along = Number(axis)
    return build(x!.shape, (at) => f(read(x!, at), Array.from({ length: x!.shape[along]! }, (_, i) => read(x!, at.with(along, i))))) // prettier-ignore
  }
}

function logSumExp(values: readonly number[]): number {
  const largest = Math.max(...values)
  return largest + Math.log(values.reduce((sum, value) => sum + Math.exp(value - largest), 0))
}

/** The error function to 1e-15: its series up to 3, a continued fraction beyond (Abramowitz & Stegun 7.1.6, 7.1.14). */
function erf(x: number): number {
  if (x < 0) return -erf(-x)
  if (x > 6) return 1
  if (x > 3) {
    let fraction = x
    for (let k = 60; k > 0; k--) fraction = x + k / 2 / fraction
    return 1 - Math.exp(-x * x) / (Math.sqrt(Math.PI) * fraction)
  }
  let term = x
  let sum = x
  for (let n = 1; n < 80; n++) sum += term *= (2 * x * x) / (2 * n + 1)
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum
}

function geometry(attributes: Attributes) {
  const [stride = 1] = numbers(attributes['strides'])
  const [dilation = 1] = numbers(attributes['dilations'])
  const [top = 0, left = 0, bottom = 0, right = 0] = numbers(attributes['pads'])
  const [below = 0, beside = 0] = numbers(attributes['output_padding'])
  return { stride, dilation, groups: Number(attributes['group'] ?? 1), top, left, bottom, right, below, beside }
}

/** A tensor whose elements are read from another; outside of that they are 0. */
function gather(x: Value, shape: Shape, from: (at: readonly number[]) => readonly number[]): Value {
  return build(shape, (at) => read(x, from(at)))
}

function build(shape: Shape, element: (at: readonly number[]) => number): Value {
  const data = new Float64Array(sizeOf(shape))
  each(shape, (at, i) => (data[i] = element(at)))
  return { shape, data }
}

function each(shape: Shape, visit: (at: readonly number[], index: number) => void): void {
  const at = shape.map(() => 0)
  for (let i = 0; i < sizeOf(shape); i++) {
    visit(at, i)
    for (let d = shape.length - 1; d >= 0 && ++at[d]! === shape[d]; d--) at[d] = 0
  }
}

function read({ shape, data }: Value, at: readonly number[]): number {
  let index = 0
  for (const [d, size] of shape.entries()) {
    if (at[d]! < 0 || at[d]! >= size) return 0
    index = index * size + at[d]!
  }
  return data[index]!
}

function numbers(attribute: unknown): readonly number[] {
  return Array.isArray(attribute) ? attribute.map(Number) : []
}
