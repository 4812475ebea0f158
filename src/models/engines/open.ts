import type { Device } from '../../trial.ts'
import type { Program } from '../graph/graph.ts'
import { live } from '../graph/live.ts'
import { openOrtSession } from './ort.ts'
import type { Session } from './session.ts'
import { loadTensorFlow } from './tensorflow.ts'
import { openTfjsSession } from './tfjs.ts'
import { forWebGpu } from './webgpu.ts'

/** Makes a program ready to run on a device. */
export async function openSession(program: Program, device: Device): Promise<Session> {
  const needed = live(program)
  if (device.kind === 'tfjs') return openTfjsSession(needed, loadTensorFlow())
  return openOrtSession(device.kind === 'webgpu' ? forWebGpu(needed) : needed, device)
}
