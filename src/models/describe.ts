import { input, newGraph, sizeOf, type Attributes, type Graph, type Node, type Shape } from './graph/graph.ts'
import type { Model } from './model.ts'

/** What one layer of a network does to one image. */
interface LayerDescription {
  /** `backbone.stage1` */
  readonly name: string
  /** `3x3 /2`: a convolution at stride 2; `5x5 @6 dw`: of dilation 6, depthwise; else what its main operation is. */
  readonly kind: string
  /** Channels, height, width. */
  readonly output: Shape
  readonly parameters: number
  /** Multiplications with additions of its convolutions, as papers count them. */
  readonly macs: number
  /** Bytes of what its operations give, which training keeps for the way back. */
  readonly activationBytes: number
}

export interface Description {
  /** In the order in which they are first met. */
  readonly layers: readonly LayerDescription[]
  readonly parameters: number
  readonly macs: number
  readonly activationBytes: number
}

/** A network's layers and what they cost for one image, read off its graph. */
export function describe(model: Model, height: number, width: number): Description {
  const graph = newGraph()
  model.forward(input(graph, 'images', 'float32', [1, 3, height, width]))
  const layers = layersOf(graph)
  const total = (what: 'parameters' | 'macs' | 'activationBytes') => layers.reduce((sum, layer) => sum + layer[what], 0)
  return { layers, parameters: total('parameters'), macs: total('macs'), activationBytes: total('activationBytes') }
}

function layersOf(graph: Graph): readonly LayerDescription[] {
  const shapes = new Map([
    ...[...graph.parameters, ...graph.constants].map(({ name, shape }) => [name, shape] as const),
    ...graph.tape.map(({ output }) => [output.name, output.shape] as const),
  ])
  const names = new Set(graph.tape.map(({ layer }) => layer))
  return [...names].map((name) => layerOf(graph, name, shapes))
}

function layerOf(graph: Graph, name: string, shapes: ReadonlyMap<string, Shape>): LayerDescription {
  const nodes = graph.nodes.filter(({ outputs }) => isIn(name, outputs[0]!, '/'))
  const parameters = graph.parameters.filter((parameter) => isIn(name, parameter.name, '.'))
  const activations = graph.tape.filter(({ layer }) => layer === name).map(({ output }) => output.shape)
  const convolutions = nodes.filter(({ op }) => op === 'Conv')
  return {
    name,
    kind: kindOf(nodes, shapes),
    output: activations.at(-1)!.slice(1),
    parameters: parameters.reduce((sum, { shape }) => sum + sizeOf(shape), 0),
    macs: convolutions.reduce((sum, node) => sum + macsOf(node, shapes), 0),
    activationBytes: activations.reduce((sum, shape) => sum + 4 * sizeOf(shape), 0),
  }
}

/** Tensors and parameters are named after their layer. */
function isIn(layer: string, name: string, separator: '/' | '.'): boolean {
  return name.slice(0, name.lastIndexOf(separator)) === layer
}

function macsOf({ inputs, outputs }: Node, shapes: ReadonlyMap<string, Shape>): number {
  const weight = shapes.get(inputs[1]!)!
  return sizeOf(shapes.get(outputs[0]!)!) * sizeOf(weight.slice(1))
}

/** What layers without a convolution are called by, first match first. */
const KINDS = [
  ['MaxPool', 'pool'],
  ['AveragePool', 'pool'],
  ['Resize', 'resize'],
  ['Concat', 'concat'],
  ['Sqrt', 'norm'],
  ['BatchNormalization', 'norm'],
  ['MatMul', 'resize'],
  ['Add', 'sum'],
] as const

function kindOf(nodes: readonly Node[], shapes: ReadonlyMap<string, Shape>): string {
  const conv = nodes.find(({ op }) => op === 'Conv')
  if (conv) return convKind(conv.attributes, shapes.get(conv.inputs[1]!)!)
  return KINDS.find(([known]) => nodes.some(({ op }) => op === known))?.[1] ?? 'other'
}

function convKind({ strides, dilations, group }: Attributes, [, inner, height, width]: Shape): string {
  const [stride, dilation] = [first(strides), first(dilations)]
  return [
    `${height}x${width}`,
    ...(stride > 1 ? [`/${stride}`] : []),
    ...(dilation > 1 ? [`@${dilation}`] : []),
    ...(inner === 1 && Number(group) > 1 ? ['dw'] : []),
  ].join(' ')
}

function first(values: Attributes[string] | undefined): number {
  return Array.isArray(values) ? Number(values[0]) : 1
}

const COLUMNS = 60
const HEADS = ['kind', 'output', 'weights', 'MACs']

/** A description as lines of at most 60 columns; long names lose their beginning. */
export function descriptionLines({ layers, parameters, macs, activationBytes }: Description): readonly string[] {
  const cells = layers.map((layer) => [layer.kind, layer.output.join('x'), short(layer.parameters), short(layer.macs)])
  const rows = [HEADS, ...cells, ['', '', short(parameters), short(macs)]]
  const widths = HEADS.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  const room = COLUMNS - widths.reduce((sum, width) => sum + width + 2, 0)
  const names = ['layer', ...layers.map(({ name }) => name), 'all']
  const lines = rows.map((row, i) => {
    const padded = row.map((cell, column) =>
      column < 2 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!),
    )
    return [cut(names[i]!, room).padEnd(room), ...padded].join('  ')
  })
  return [...lines, `activations for the way back: ${short(activationBytes)}B an image`]
}

function cut(name: string, room: number): string {
  return name.length <= room ? name : `…${name.slice(name.length - room + 1)}`
}

const UNITS = ['', 'k', 'M', 'G', 'T']

/** Three digits and a unit: 142523 is 143k. */
export function short(value: number): string {
  const rounded = Number(value.toPrecision(3))
  const power = Math.min(Math.floor(Math.log10(Math.max(rounded, 1)) / 3), UNITS.length - 1)
  return `${power === 0 ? rounded : (rounded / 1000 ** power).toPrecision(3)}${UNITS[power]}`
}
