import { sizeOf, type Constant, type Node, type Program } from '../graph/graph.ts'

/** From as many filters a group on, onnxruntime 1.30 lets a group's filters read a neighbour's channels on WebGPU. */
const WRONG_FROM = 4

/**
 * The same program without the convolutions that WebGPU gets wrong. The only such that we write gather patches: every
 * channel is convolved with the same constant filters. So each channel may as well be an image of its own.
 */
export function withoutWideGroups(program: Program): Program {
  const constants = new Map(program.constants.map((constant) => [constant.name, constant]))
  const added = new Map<string, Constant>()
  const nodes = program.nodes.flatMap((node): readonly Node[] => {
    const group = Number(node.attributes['group'] ?? 1)
    const weight = constants.get(node.inputs[1] ?? '')
    if (node.op !== 'Conv' || group === 1 || !weight) return [node]
    const filters = filtersOfGroup(weight, group)
    if (filters.shape[0]! < WRONG_FROM) return [node]
    for (const constant of [filters, PLANES, CHANNELS]) added.set(constant.name, constant)
    return asImages(node, filters.name)
  })
  return { ...program, nodes, constants: [...program.constants, ...added.values()] }
}

/** Shapes of which the middle follows from what is reshaped. */
const PLANES: Constant = { name: 'planes', type: 'int64', shape: [2], data: BigInt64Array.of(-1n, 1n) }
const CHANNELS: Constant = { name: 'channels', type: 'int64', shape: [1], data: BigInt64Array.of(-1n) }

function filtersOfGroup({ name, shape, data }: Constant, group: number): Constant {
  const one = [shape[0]! / group, ...shape.slice(1)]
  const filters = (data as Float32Array).slice(0, sizeOf(one))
  const isSame = data.every((value, i) => value === filters[i % filters.length])
  if (!isSame) throw new Error(`${name}: the filters differ from group to group`)
  return { name: `${name}/${group}`, type: 'float32', shape: one, data: filters }
}

function asImages({ inputs, outputs, attributes }: Node, filters: string): readonly Node[] {
  const [x, y] = [inputs[0]!, outputs[0]!]
  const node = (op: string, inputs: readonly string[], output: string, attributes: Node['attributes'] = {}): Node => {
    return { op, inputs, outputs: [output], attributes }
  }
  return [
    node('Shape', [x], `${y}/size`, { start: 2 }),
    node('Concat', [PLANES.name, `${y}/size`], `${y}/planes_shape`, { axis: 0 }),
    node('Reshape', [x, `${y}/planes_shape`], `${y}/planes`),
    node('Conv', [`${y}/planes`, filters], `${y}/patches`, { ...attributes, group: 1 }),
    node('Shape', [x], `${y}/images`, { start: 0, end: 1 }),
    node('Shape', [`${y}/patches`], `${y}/new_size`, { start: 2 }),
    node('Concat', [`${y}/images`, CHANNELS.name, `${y}/new_size`], `${y}/shape`, { axis: 0 }),
    node('Reshape', [`${y}/patches`, `${y}/shape`], y),
  ]
}
