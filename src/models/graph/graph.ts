import { TuneError } from '../../errors.ts'

export type ElementType = 'float32' | 'int32' | 'int64' | 'bool'

/** Sizes from the outermost dimension in; [] is a scalar. All shapes are known when the graph is built. */
export type Shape = readonly number[]

/** A value that will exist when the graph runs. */
export interface Tensor {
  readonly graph: Graph
  readonly name: string
  readonly type: ElementType
  readonly shape: Shape
}

/** One standard ONNX operation. An omitted optional input is the empty name. */
export interface Node {
  readonly op: string
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly attributes: Attributes
}

export type Attributes = Readonly<Record<string, number | string | readonly number[] | Program>>

export interface Constant {
  readonly name: string
  readonly type: 'float32' | 'int32' | 'int64'
  readonly shape: Shape
  readonly data: Float32Array | Int32Array | BigInt64Array
}

/** How a parameter starts. */
export type Init =
  | { readonly kind: 'normal'; readonly deviation: number }
  | { readonly kind: 'constant'; readonly value: number }

/** What training changes: a named float32 tensor. */
export interface Parameter {
  readonly name: string
  readonly shape: Shape
  readonly init: Init
}

/** What a layer keeps from batch to batch without learning it, such as running means: float32, at first `value`. */
export interface Buffer {
  readonly name: string
  readonly shape: Shape
  readonly value: number
}

/** The way back through one operation: from its output's gradient to that of one of its inputs, of the input's shape. */
export type Pullback = (gradient: Tensor) => Tensor

/** What a network is written for: layers such as dropout and batch normalisation differ. */
export interface Purpose {
  /** Default false: for predictions. */
  readonly isTraining?: boolean
  /** Whether the parameters and buffers of a layer, `backbone.stage1`, stay as they are. Default: none does. */
  readonly isFrozen?: (layer: string) => boolean
}

/** A tensor that can be read after a run, and its name there. */
interface Output {
  readonly name: string
  readonly tensor: Tensor
}

/** ONNX operations that can run: all that an engine needs to know of a graph. */
export interface Program {
  /** No node stands before one that it reads from. */
  readonly nodes: readonly Node[]
  readonly constants: readonly Constant[]
  readonly inputs: readonly Tensor[]
  readonly outputs: readonly Output[]
}

/**
 * A program while it is being written: operations are appended, and nothing that stands is changed. Its parameters and
 * buffers are free names until `bindFlat` or `bindConstants` says where they come from.
 */
export interface Graph extends Program {
  readonly nodes: Node[]
  readonly constants: Constant[]
  readonly inputs: Tensor[]
  readonly outputs: Output[]
  readonly parameters: Parameter[]
  readonly buffers: Buffer[]
  /** What buffers become by this step, by their names; the others stay. */
  readonly updates: Map<string, Tensor>
  /** Inputs that are fed with numbers drawn from [0, 1) at every step. */
  readonly noise: Tensor[]
  readonly purpose: Required<Purpose>
  /** What reverse mode needs: the operations that a parameter reaches, in the order they were written. */
  readonly tape: { readonly output: Tensor; readonly inputs: readonly (readonly [Tensor, Pullback])[]; layer: string }[]
  /** Names of the tensors that depend on a parameter. */
  readonly tracked: Set<string>
  /** Where the network is being written: prefixes names and error messages. */
  layer: string
}

export function newGraph({ isTraining = false, isFrozen = () => false }: Purpose = {}): Graph {
  return {
    nodes: [],
    constants: [],
    inputs: [],
    outputs: [],
    parameters: [],
    buffers: [],
    updates: new Map(),
    noise: [],
    purpose: { isTraining, isFrozen },
    tape: [],
    tracked: new Set(),
    layer: '',
  }
}

/** Number of elements. */
export function sizeOf(shape: Shape): number {
  return shape.reduce((product, size) => product * size, 1)
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((size, i) => size === b[i])
}

/** A value to be fed at every run. */
export function input(graph: Graph, name: string, type: ElementType, shape: Shape): Tensor {
  const tensor = { graph, name, type, shape }
  graph.inputs.push(tensor)
  return tensor
}

/** Names the result of an operation to be read after every run. */
export function output(name: string, tensor: Tensor): void {
  tensor.graph.outputs.push({ name, tensor })
}

/** A parameter of the layer being written, `<layer>.<name>`. No gradient leads to that of a frozen layer. */
export function parameter(graph: Graph, name: string, shape: Shape, init: Init): Tensor {
  const tensor = kept(graph, name, shape)
  graph.parameters.push({ name: tensor.name, shape, init })
  if (!graph.purpose.isFrozen(graph.layer)) graph.tracked.add(tensor.name)
  return tensor
}

/** A buffer of the layer being written, `<layer>.<name>`: its value before this step. */
export function buffer(graph: Graph, name: string, shape: Shape, value: number): Tensor {
  const tensor = kept(graph, name, shape)
  graph.buffers.push({ name: tensor.name, shape, value })
  return tensor
}

/** Says what a buffer becomes by this step. */
export function update(buffer: Tensor, value: Tensor): void {
  if (!sameShape(buffer.shape, value.shape)) throw misfit('update of another shape', [buffer, value])
  buffer.graph.updates.set(buffer.name, value)
}

/** Numbers drawn from [0, 1), others at every step. */
export function noise(graph: Graph, shape: Shape): Tensor {
  const tensor = input(graph, `noise_${graph.noise.length}`, 'float32', shape)
  graph.noise.push(tensor)
  return tensor
}

function kept(graph: Graph, name: string, shape: Shape): Tensor {
  const full = `${graph.layer}.${name}`
  const isTaken = [...graph.parameters, ...graph.buffers].some((other) => other.name === full)
  if (isTaken) throw new TuneError('model/invalid', `two parameters are named '${full}'`)
  return { graph, name: full, type: 'float32', shape }
}

/** A float32 constant. */
export function constant(graph: Graph, shape: Shape, values: Iterable<number>): Tensor {
  return addConstant(graph, 'float32', shape, Float32Array.from(values))
}

export function scalar(graph: Graph, value: number): Tensor {
  return constant(graph, [], [value])
}

/** A list of int64 numbers, as ONNX takes axes, shapes and sizes. */
export function integers(graph: Graph, values: readonly number[]): Tensor {
  return addConstant(graph, 'int64', [values.length], BigInt64Array.from(values, BigInt))
}

/** An int32 constant. */
export function int32s(graph: Graph, shape: Shape, values: Iterable<number>): Tensor {
  return addConstant(graph, 'int32', shape, Int32Array.from(values))
}

/** Appends an operation with one result. */
export function emit(
  op: string,
  inputs: readonly (Tensor | undefined)[],
  result: { readonly type?: ElementType; readonly shape: Shape },
  attributes: Attributes = {},
): Tensor {
  return emitAll(op, inputs, [result], attributes)[0]!
}

/** Appends an operation with several results. */
export function emitAll(
  op: string,
  inputs: readonly (Tensor | undefined)[],
  results: readonly { readonly type?: ElementType; readonly shape: Shape }[],
  attributes: Attributes = {},
): Tensor[] {
  const graph = inputs.find((tensor) => tensor !== undefined)!.graph
  const outputs = results.map(({ type = 'float32', shape }, i): Tensor => {
    const name = `${graph.layer}/${op}_${graph.nodes.length}${results.length > 1 ? `.${i}` : ''}`
    return { graph, name, type, shape }
  })
  graph.nodes.push({
    op,
    inputs: inputs.map((tensor) => tensor?.name ?? ''),
    outputs: outputs.map((tensor) => tensor.name),
    attributes,
  })
  return outputs
}

/** The sizes of a tensor of rank 4: images N x C x H x W, or weights C' x C x k x k. */
export function sizes4(x: Tensor): readonly [number, number, number, number] {
  const [a, b, c, d, ...more] = x.shape
  if (a === undefined || b === undefined || c === undefined || d === undefined || more.length > 0) {
    throw misfit('four dimensions are needed', [x])
  }
  return [a, b, c, d]
}

/** Writes a part of the network under a name of its own: `backbone.stage1`. */
export function inLayer<T>(graph: Graph, name: string, write: () => T): T {
  const outer = graph.layer
  graph.layer = outer === '' ? name : `${outer}.${name}`
  try {
    return write()
  } finally {
    graph.layer = outer
  }
}

/** The error for tensors that do not fit an operation: names the layer and every shape. */
export function misfit(what: string, tensors: readonly Tensor[], hint?: string): TuneError {
  const shapes = tensors.map((tensor) => `${tensor.name} [${tensor.shape.join(', ')}]`).join(' and ')
  const where = tensors[0]!.graph.layer || 'the network'
  return new TuneError('model/invalid', `${where}: ${what}: ${shapes}`, hint === undefined ? {} : { hint })
}

function addConstant(graph: Graph, type: Constant['type'], shape: Shape, data: Constant['data']): Tensor {
  const same = graph.constants.find(
    (other) => other.type === type && sameShape(other.shape, shape) && equal(other, data),
  )
  if (same) return { graph, name: same.name, type, shape }
  const name = `constant_${graph.constants.length}`
  graph.constants.push({ name, type, shape, data })
  return { graph, name, type, shape }
}

/** Only short lists are worth looking for. */
function equal(constant: Constant, data: Constant['data']): boolean {
  return data.length <= 16 && data.every((value, i) => constant.data[i] === value)
}
