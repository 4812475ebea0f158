import { expect, test } from 'vitest'
import { openOrtSession, reasonOf } from '../../../src/models/engines/ort.ts'
import { floats } from '../../../src/models/engines/session.ts'
import { input, newGraph, output, type Graph } from '../../../src/models/graph/graph.ts'
import * as onnx from '../../../src/models/graph/onnx.ts'
import { cpu } from '../graph/gradient_error.ts'

test('a session that is closed twice is handed out once, and outlives what others close', async () => {
  const graph = timesTwo(2)
  const first = await openOrtSession(graph, cpu)
  await first.close()
  await first.close()

  const [second, third] = [await openOrtSession(graph, cpu), await openOrtSession(graph, cpu)]
  await second.close()
  // More than are kept, so that those of before are disposed of.
  for (const size of [3, 4, 5, 6]) await (await openOrtSession(timesTwo(size), cpu)).close()
  expect([...floats(await third.run({ x: Float32Array.of(1, 2) }), 'y')]).toEqual([2, 4])
  await third.close()
})

test('what onnxruntime says is told without where in its source it says so', () => {
  const said = '/onnxruntime_src/onnxruntime/core/providers/webgpu/webgpu_context.cc:136 onnxruntime::webgpu::WebGpuContext::Initialize(const Config&)::<lambda()> adapter_result.status == wgpu::RequestAdapterStatus::Success was false. Failed to get a WebGPU adapter: No supported adapters' // prettier-ignore
  expect(reasonOf(new Error(said))).toBe('Failed to get a WebGPU adapter: No supported adapters')
  expect(reasonOf(new Error('Failed to load shared library\n'))).toBe('Failed to load shared library')
})

function timesTwo(size: number): Graph {
  const graph = newGraph()
  output('y', onnx.mul(input(graph, 'x', 'float32', [size]), 2))
  return graph
}
