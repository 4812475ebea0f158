import type { Constant, Node, Program } from './graph.ts'

/**
 * The same program without a Split or a Concat of more than `most` tensors: some devices can bind only so many at once.
 * Larger ones become trees of smaller ones.
 */
export function withFewOperands(program: Program, most: number): Program {
  const constants: Constant[] = [...program.constants]
  const nodes = program.nodes.flatMap((node): readonly Node[] => {
    if (node.op === 'Concat') return concats(node, most)
    if (node.op !== 'Split' || node.outputs.length <= most) return [node]
    const sizes = program.constants.find(({ name }) => name === node.inputs[1])!
    const pieces = node.outputs.map((name, i) => ({ name, size: Number(sizes.data[i]) }))
    return splits({ node, most, constants }, node.inputs[0]!, pieces)
  })
  return { ...program, nodes, constants }
}

/** Joins runs of neighbours first, and then what came of them. */
function concats(node: Node, most: number): readonly Node[] {
  if (node.inputs.length <= most) return [node]
  const parts = chunks(node.inputs, most).map((inputs, i) => {
    return { ...node, inputs, outputs: [`${node.outputs[0]}/${node.inputs.length}.${i}`] }
  })
  return [...parts, ...concats({ ...node, inputs: parts.flatMap(({ outputs }) => outputs) }, most)]
}

interface Piece {
  readonly name: string
  readonly size: number
}

/** The node that is replaced, and where sizes of new ones go. */
interface Splitting {
  readonly node: Node
  readonly most: number
  readonly constants: Constant[]
}

/** Cuts into a few long pieces first, and then each of those. */
function splits(splitting: Splitting, source: string, pieces: readonly Piece[]): readonly Node[] {
  const { node, most, constants } = splitting
  if (pieces.length <= most) {
    const name = `sizes/${source}`
    const data = BigInt64Array.from(pieces, ({ size }) => BigInt(size))
    constants.push({ name, type: 'int64', shape: [pieces.length], data })
    return [{ ...node, inputs: [source, name], outputs: pieces.map(({ name }) => name) }]
  }
  const groups = chunks(pieces, Math.ceil(pieces.length / most))
  const long = groups.map((group, i) => {
    return { name: `${source}/${i}`, size: group.reduce((sum, { size }) => sum + size, 0) }
  })
  return [...splits(splitting, source, long), ...groups.flatMap((group, i) => splits(splitting, long[i]!.name, group))]
}

function chunks<T>(items: readonly T[], size: number): readonly (readonly T[])[] {
  const starts = Array.from({ length: Math.ceil(items.length / size) }, (_, i) => i * size)
  return starts.map((start) => items.slice(start, start + size))
}
