import { setImmediate as othersTurn } from 'node:timers/promises'
import type { Node, Program } from '../graph/graph.ts'
import { feedsOf, type Session } from './session.ts'
import type { TensorFlow, TfTensor } from './tensorflow.ts'
import { operations } from './tfjs_operations.ts'

/**
 * Interprets a program with TensorFlow.js, operation by operation, on the device that it holds. What is int64 in ONNX is
 * int32 there.
 */
export function openTfjsSession(program: Program, tf: TensorFlow): Session {
  const lists = new Map(program.constants.filter(({ type }) => type === 'int64').map(({ name, data }) => [name, Array.from(data, Number)])) // prettier-ignore
  const constants = new Map<string, TfTensor>()
  for (const { name, type, shape, data } of program.constants) {
    if (type !== 'int64') constants.set(name, tf.tensor(data as Float32Array, [...shape], type))
  }
  const dying = lastUses(program)

  return {
    async run(inputs) {
      await othersTurn()
      const values = new Map<string, TfTensor>()
      try {
        const feeds = feedsOf(program, inputs)
        for (const [i, { name, type, shape }] of program.inputs.entries()) {
          values.set(name, tf.tensor(feeds[i]!, [...shape], type === 'int32' ? 'int32' : 'float32'))
        }
        for (const [i, node] of program.nodes.entries()) {
          const results = execute(tf, node, (name) => values.get(name) ?? constants.get(name), lists)
          for (const [j, name] of node.outputs.entries()) values.set(name, results[j]!)
          for (const name of dying[i]!) {
            values.get(name)?.dispose()
            values.delete(name)
          }
        }
        const outputs = program.outputs.map(async ({ name, tensor }) => {
          return [name, await (values.get(tensor.name) ?? constants.get(tensor.name))!.data()] as const
        })
        return Object.fromEntries(await Promise.all(outputs))
      } finally {
        for (const tensor of values.values()) tensor.dispose()
      }
    },
    async close() {
      for (const tensor of constants.values()) tensor.dispose()
    },
  }
}

function execute(
  tf: TensorFlow,
  { op, inputs, attributes }: Node,
  tensorOf: (name: string) => TfTensor | undefined,
  lists: ReadonlyMap<string, readonly number[]>,
): readonly TfTensor[] {
  const operation = operations[op]
  if (!operation) throw new Error(`TensorFlow.js is not told how to do ${op}`)
  const operands = inputs.flatMap((name) => tensorOf(name) ?? [])
  const given = inputs.map((name) => lists.get(name)).filter((list) => list !== undefined)
  return tf.tidy(() => [operation(tf, operands as never, attributes, given)].flat())
}

/** For every node the tensors that no later one reads: their memory is free after it. */
function lastUses({ nodes, outputs }: Program): readonly (readonly string[])[] {
  const last = new Map<string, number>()
  for (const [i, { inputs, outputs }] of nodes.entries()) {
    for (const name of [...outputs, ...inputs]) last.set(name, i)
  }
  for (const { tensor } of outputs) last.delete(tensor.name)
  const dying: string[][] = nodes.map(() => [])
  for (const [name, i] of last) dying[i]!.push(name)
  return dying
}
