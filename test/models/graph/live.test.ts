import { expect, test } from 'vitest'
import { openSession } from '../../../src/models/engines/open.ts'
import { floats } from '../../../src/models/engines/session.ts'
import { constant, input, newGraph, output, type Node, type Program } from '../../../src/models/graph/graph.ts'
import { live } from '../../../src/models/graph/live.ts'
import * as onnx from '../../../src/models/graph/onnx.ts'
import { scanOf } from '../../../src/models/graph/scan.ts'
import { parseLosses } from '../../../src/models/losses/options.ts'
import { gradientGraph } from '../../../src/models/train_step.ts'
import { buildModel } from '../../../src/models/zoo.ts'
import { cpu } from './gradient_error.ts'

/** 2 x + 1 through a step that adds, beside a product that nobody reads. */
function program() {
  const graph = newGraph()
  const x = input(graph, 'x', 'float32', [2])
  onnx.sqrt(onnx.mul(x, constant(graph, [2], [7, 8])))
  output('y', onnx.add(onnx.mul(x, 2), 1))
  return graph
}

test('what no output needs is left out, with its constants, and the outputs are the same', async () => {
  const whole = program()
  const needed = live(whole)
  expect(needed.nodes.map(({ op }) => op)).toEqual(['Mul', 'Add'])
  expect(needed.constants.map(({ data }) => [...data])).toEqual([[2], [1]])
  expect(whole.nodes).toHaveLength(4)

  const session = await openSession(whole, cpu)
  expect([...floats(await session.run({ x: Float32Array.of(1, 3) }), 'y')]).toEqual([3, 7])
  await session.close()
})

test('the body of a loop loses what it does not need, and keeps what it reads from around it', async () => {
  const step = newGraph()
  const x = input(step, 'x', 'float32', [2])
  const shift = input(step, 'shift', 'float32', [2])
  onnx.sqrt(x)
  output('y', onnx.add(onnx.mul(x, input(step, 'factor', 'float32', [])), shift))
  const loop = scanOf(step, 3, { carried: { x: 'y' }, shared: ['shift'] })
  const body = live(loop).nodes[0]!.attributes['body'] as Program
  expect(body.nodes.map(({ op }) => op)).toEqual(['Mul', 'Add'])

  // The shift is made by a node that only the body reads.
  const program = { ...loop, nodes: [...newShift(loop), ...loop.nodes], inputs: loop.inputs.slice(1) }
  expect(live(program).nodes.map(({ op }) => op)).toEqual(['Abs', 'Scan'])
  const session = await openSession(loop, cpu)
  const results = await session.run({ x: Float32Array.of(1, 3), shift: Float32Array.of(1, 0), factor: Float32Array.of(2, 2, 2) }) // prettier-ignore
  await session.close()
  expect([...floats(results, 'y')]).toEqual([15, 24])
})

function newShift({ inputs }: Program): readonly Node[] {
  expect(inputs[0]!.name).toBe('shift')
  return [{ op: 'Abs', inputs: [inputs[1]!.name], outputs: ['shift'], attributes: {} }]
}

test('the head of a loss without a weight is not run', () => {
  const model = buildModel({ name: 'panoptic_deeplab' }, 3, [1, 2])
  const convolutionsOf = (weights: { readonly semantic: number; readonly center?: number }) => {
    const shape = { model, size: 1, height: 64, width: 64, losses: parseLosses({}, 3), weights, frozen: [] }
    const { nodes } = live(gradientGraph(shape))
    return nodes.flatMap(({ op, outputs }) => (op === 'Conv' ? outputs : []))
  }
  expect(convolutionsOf({ semantic: 1, center: 1 }).some((name) => name.startsWith('center.'))).toBe(true)
  expect(convolutionsOf({ semantic: 1 }).filter((name) => /^(center|offset)\./.test(name))).toEqual([])
})
