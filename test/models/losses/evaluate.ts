import { openSession } from '../../../src/models/engines/open.ts'
import { floats } from '../../../src/models/engines/session.ts'
import { bindFlat } from '../../../src/models/graph/bind.ts'
import { newGraph, output, parameter, type Shape, type Tensor } from '../../../src/models/graph/graph.ts'
import { gradients } from '../../../src/models/graph/reverse.ts'
import type { Loss } from '../../../src/models/losses/classes.ts'
import { cpu } from '../graph/gradient_error.ts'
import { interpret } from '../graph/interpreter.ts'

/** What a loss makes of some values, and its gradient there: in float32 by onnxruntime and in float64. */
export async function evaluate(shape: Shape, values: readonly number[], loss: (x: Tensor) => Loss) {
  const graph = newGraph()
  graph.layer = 'test'
  const { value, pixels, images } = loss(parameter(graph, 'x', shape, { kind: 'constant', value: 0 }))
  output('value', value)
  output('pixels', pixels)
  output('images', images)
  output('gradient', gradients(value)[0]!)
  bindFlat(graph, 'weights')
  const feeds = { weights: Float32Array.from(values) }
  const exact = interpret(graph, feeds, 'gradient')
  const session = await openSession(graph, cpu)
  const results = await session.run(feeds)
  await session.close()
  return {
    value: floats(results, 'value')[0]!,
    pixels: floats(results, 'pixels')[0]!,
    images: floats(results, 'images'),
    gradient: floats(results, 'gradient'),
    exact: { value: interpret(graph, feeds, 'value')[0]!, gradient: exact },
  }
}
