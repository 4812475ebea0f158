import type { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node'
import { isTuneError, messageOf, TuneError } from '../../errors.ts'
import { fingerprint } from '../../json.ts'
import type { Device } from '../../trial.ts'
import type { Program } from '../graph/graph.ts'
import { onnxFile } from '../graph/onnx_file.ts'
import { HINTS } from './hints.ts'
import { keepIdle } from './idle.ts'
import { feedsOf, type Session } from './session.ts'

/**
 * Compiled graphs that nobody runs now. They hold no state, weights being inputs, so the next trial of a worker, which
 * trains the same network, need not compile it again. A trial has one to train and one or two to score.
 */
const idle = keepIdle<InferenceSession>(3, (session) => session.release())

/** Compiles a program for a device of onnxruntime. */
export async function openOrtSession(program: Program, device: Device): Promise<Session> {
  const { InferenceSession, Tensor, env } = await import('onnxruntime-node')
  // What it would write to stderr is thrown as well.
  env.logLevel = 'fatal'
  const file = onnxFile(program)
  const key = fingerprint([fingerprint(file), device.kind, device.index, device.threads])
  const session = idle.take(key) ?? (await create(InferenceSession, file, device))
  let isOpen = true
  return {
    async run(inputs) {
      const values = feedsOf(program, inputs)
      const feeds = program.inputs.map(({ name, type, shape }, i) => [name, new Tensor(type, values[i]!, shape)])
      const results: Record<string, OrtTensor> = await session.run(Object.fromEntries(feeds))
      return Object.fromEntries(Object.entries(results).map(([name, tensor]) => [name, tensor.data]))
    },
    async close() {
      if (!isOpen) return
      isOpen = false
      await idle.put(key, session)
    },
  }
}

/** A model from a file, with the shape of an input. Its inputs are given as they stand in the file. */
export interface ModelSession extends Session {
  /** Undefined where it has no such input, or one of no fixed size. */
  shapeOf(input: string): readonly number[] | undefined
}

/** Opens a model that any program may have written. Throws `model/invalid` for what onnxruntime does not run. */
export async function openModelFile(file: Uint8Array, name: string, device: Device): Promise<ModelSession> {
  const { InferenceSession, Tensor, env } = await import('onnxruntime-node')
  env.logLevel = 'fatal'
  const session = await create(InferenceSession, file, device).catch((cause: unknown) => {
    if (isTuneError(cause)) throw cause
    throw new TuneError('model/invalid', `${name}: onnxruntime cannot run it: ${reasonOf(cause)}`, { cause })
  })
  const shapeOf = (input: string) => {
    const found = session.inputMetadata.find((one) => one.name === input)
    return found?.isTensor && found.shape.every((length) => typeof length === 'number') ? found.shape : undefined
  }
  return {
    shapeOf,
    async run(inputs) {
      const feeds = Object.entries(inputs).map(([input, values]) => [
        input,
        new Tensor(values instanceof Float32Array ? 'float32' : 'int32', values, shapeOf(input)),
      ])
      const results: Record<string, OrtTensor> = await session.run(Object.fromEntries(feeds))
      return Object.fromEntries(Object.entries(results).map(([name, tensor]) => [name, tensor.data]))
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
      logSeverityLevel: 4,
    })
  } catch (cause) {
    if (device.kind === 'cpu') throw cause
    throw new TuneError('device/none', `no training on ${device.kind}:${device.index}: ${reasonOf(cause)}`, {
      hint: `${HINTS[device.kind]}; or train with --device cpu`,
      cause,
    })
  }
}

/** What onnxruntime says, without the line of its source that says it and the condition there. */
export function reasonOf(error: unknown): string {
  return messageOf(error)
    .trim()
    .replace(/^\S+\.(cc|h):\d+ .* was false\. /s, '')
}

function provider({ kind, index }: Device): InferenceSession.ExecutionProviderConfig {
  return kind === 'cuda' ? { name: 'cuda', deviceId: index } : kind // WebGPU takes no device number
}
