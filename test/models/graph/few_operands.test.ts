import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { openSession } from '../../../src/models/engines/open.ts'
import { withFewOperands } from '../../../src/models/graph/few_operands.ts'
import { input, newGraph, output, type Program } from '../../../src/models/graph/graph.ts'
import * as onnx from '../../../src/models/graph/onnx.ts'
import { tinyBatch, tinyState, tinyTraining } from '../engines/tiny_training.ts'
import { cpu, normals } from './gradient_error.ts'

test('pieces of any sizes are cut and joined by nodes of few operands as they are by one', async () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 40 })
  const property = fc.asyncProperty(sizes, fc.integer({ min: 2, max: 9 }), async (sizes, most) => {
    const length = sizes.reduce((sum, size) => sum + size, 0)
    const graph = newGraph()
    const pieces = onnx.split(input(graph, 'x', 'float32', [length]), sizes)
    output('y', onnx.concat(pieces.map((piece, i) => onnx.mul(piece, i)).toReversed(), 0))

    const few = withFewOperands(graph, most)
    expect(mostOperands(few)).toBeLessThanOrEqual(Math.max(most, 2))
    const feeds = { x: normals(length, 'x') }
    expect(await results(few, feeds)).toEqual(await results(graph, feeds))
  })
  await fc.assert(property, { numRuns: 30 })
})

test('a training step of few operands is bitwise the same', async () => {
  const graph = tinyTraining()
  const few = withFewOperands(graph, 4)
  expect(mostOperands(graph)).toBeGreaterThan(4)
  expect(mostOperands(few)).toBe(4)
  const feeds = { ...tinyState(graph), ...tinyBatch(graph, 1), lr: Float32Array.of(0.1) }
  expect(await results(few, feeds)).toEqual(await results(graph, feeds))
})

function mostOperands({ nodes }: Program): number {
  const cutting = nodes.filter(({ op }) => op === 'Split' || op === 'Concat')
  return Math.max(...cutting.flatMap(({ op, inputs, outputs }) => (op === 'Split' ? outputs.length : inputs.length)))
}

async function results(program: Program, feeds: Readonly<Record<string, Float32Array | Int32Array>>) {
  const session = await openSession(program, cpu)
  try {
    return await session.run(feeds)
  } finally {
    await session.close()
  }
}
