import type { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node'
import { messageOf, TuneError } from '../../errors.ts'
import type { Device } from '../../trial.ts'
import type { Graph, Tensor } from '../graph/graph.ts'
import { onnxFile } from '../graph/onnx_file.ts'

export type Values = Float32Array | Int32Array | BigInt64Array

/** A graph, ready to run on a device. */
export interface Session {
  /** Feeds all inputs by name and gives all outputs. Runs on this thread; others get their turn before it starts. */
  run(inputs: Readonly<Record<string, Values>>): Promise<Readonly<Record<string, Values>>>
  close(): Promise<void>
}

/** Compiles a graph for a device. */
export async function openSession(graph: Graph, device: Device): Promise<Session> {
  const { InferenceSession, Tensor } = await import('onnxruntime-node')
  const session = await create(InferenceSession, onnxFile(graph), device)
  return {
    async run(inputs) {
      const feeds = graph.inputs.map((input) => [
        input.name,
        new Tensor(input.type, checked(input, inputs), input.shape),
      ])
      const results: Record<string, OrtTensor> = await session.run(Object.fromEntries(feeds))
      return Object.fromEntries(Object.entries(results).map(([name, tensor]) => [name, tensor.data as Values]))
    },
    close: () => session.release(),
  }
}

async function create(sessions: typeof InferenceSession, file: Uint8Array, device: Device): Promise<InferenceSession> {
  try {
    return await sessions.create(file, {
      executionProviders: [provider(device)],
      graphOptimizationLevel: 'all',
      intraOpNumThreads: device.threads,
      interOpNumThreads: 1,
      logSeverityLevel: 3,
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

function checked({ name, shape }: Tensor, inputs: Readonly<Record<string, Values>>): Values {
  const values = inputs[name]
  if (!values) throw new TypeError(`'${name}' is not fed`)
  if (values.length !== shape.reduce((product, size) => product * size, 1)) {
    throw new TypeError(`'${name}' has ${values.length} values, not [${shape.join(', ')}]`)
  }
  return values
}
