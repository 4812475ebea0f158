import type { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node'
import { messageOf, TuneError } from '../../errors.ts'
import { fingerprint } from '../../json.ts'
import type { Device } from '../../trial.ts'
import type { Graph } from '../graph/graph.ts'
import { onnxFile } from '../graph/onnx_file.ts'
import { keepIdle } from './idle.ts'
import { feedsOf, type Session } from './session.ts'

/**
 * Compiled graphs that nobody runs now. They hold no state, weights being inputs, so the next trial of a worker, which
 * trains the same network, need not compile it again. A trial has one to train and one or two to score.
 */
const idle = keepIdle<InferenceSession>(3, (session) => session.release())

/** Compiles a graph for a device. */
export async function openOrtSession(graph: Graph, device: Device): Promise<Session> {
  const { InferenceSession, Tensor, env } = await import('onnxruntime-node')
  // What it would write to stderr is thrown as well.
  env.logLevel = 'fatal'
  const file = onnxFile(graph)
  const key = fingerprint([fingerprint(file), device.kind, device.index, device.threads])
  const session = idle.take(key) ?? (await create(InferenceSession, file, device))
  return {
    async run(inputs) {
      const values = feedsOf(graph, inputs)
      const feeds = graph.inputs.map(({ name, type, shape }, i) => [name, new Tensor(type, values[i]!, shape)])
      const results: Record<string, OrtTensor> = await session.run(Object.fromEntries(feeds))
      return Object.fromEntries(Object.entries(results).map(([name, tensor]) => [name, tensor.data]))
    },
    close: () => idle.put(key, session),
  }
}

async function create(sessions: typeof InferenceSession, file: Uint8Array, device: Device): Promise<InferenceSession> {
  try {
    return await sessions.create(file, {
      executionProviders: [provider(device)],
      graphOptimizationLevel: 'all',
      intraOpNumThreads: device.threads,
      interOpNumThreads: 1,
      logSeverityLevel: 4,
    })
  } catch (cause) {
    if (device.kind === 'cpu') throw cause
    throw new TuneError('device/none', `no training on ${device.kind}:${device.index}: ${messageOf(cause)}`, { hint: HINTS[device.kind], cause }) // prettier-ignore
  }
}

function provider({ kind, index }: Device): InferenceSession.ExecutionProviderConfig {
  if (kind === 'cuda') return { name: 'cuda', deviceId: index }
  return kind // WebGPU takes no device number
}

const HINTS = {
  cuda: 'for an NVIDIA GPU: ONNXRUNTIME_NODE_INSTALL=true node node_modules/onnxruntime-node/script/install.js; or train with --device cpu', // prettier-ignore
  webgpu: 'WebGPU needs a driver for Vulkan, Metal or Direct3D 12; or train with --device cpu',
}
