/* Runs one addition on a device: `node probe.js '{"kind":"cuda","index":0,"threads":1}'`. */
import { messageOf } from '../../errors.ts'
import type { Device } from '../../trial.ts'
import { input, newGraph, output } from '../graph/graph.ts'
import * as onnx from '../graph/onnx.ts'
import { openSession } from './open.ts'
import { floats } from './session.ts'

try {
  await probe(JSON.parse(process.argv[2] ?? '') as Device)
} catch (error) {
  // What the engine itself says, without our words around it.
  const cause = error instanceof Error ? (error.cause ?? error) : error
  process.stdout.write(messageOf(cause).trim())
  process.exitCode = 1
}

async function probe(device: Device): Promise<void> {
  const graph = newGraph()
  const x = input(graph, 'x', 'float32', [2])
  graph.layer = 'probe'
  output('y', onnx.add(x, x))
  const session = await openSession(graph, device)
  const y = floats(await session.run({ x: Float32Array.of(1, 2) }), 'y')
  if (y[0] !== 2 || y[1] !== 4) throw new Error(`1 + 1 is ${y[0]} there`)
}
