import { TuneError } from '../../errors.ts'
import { withFewOperands } from '../graph/few_operands.ts'
import type { Node, Program } from '../graph/graph.ts'
import { withoutWideGroups } from './webgpu_conv.ts'

/** A node may bind 16 buffers there: of more than 8 operands some would be left over. */
const MOST_OPERANDS = 8

/** The same program as onnxruntime can run it with WebGPU. */
export function forWebGpu(program: Program): Program {
  const read = new Set([...program.nodes.flatMap(({ inputs }) => inputs), ...program.outputs.map(({ tensor }) => tensor.name)]) // prettier-ignore
  const nodes = program.nodes.map((node) => withoutPlaces(node, read))
  return withFewOperands(withoutWideGroups({ ...program, nodes }), MOST_OPERANDS)
}

/** Its MaxPool cannot tell where the largest values stand, which only the way back asks. */
function withoutPlaces(node: Node, read: ReadonlySet<string>): Node {
  const [values, places] = node.outputs
  if (node.op !== 'MaxPool' || values === undefined || places === undefined) return node
  if (!read.has(places)) return { ...node, outputs: [values] }
  const layer = values.split('/')[0] || 'the network'
  throw new TuneError('model/invalid', `${layer}: onnxruntime cannot train max pooling with WebGPU`, {
    hint: 'train on another device, or choose a network without max pooling',
  })
}
