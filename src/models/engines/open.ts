import type { Device } from '../../trial.ts'
import { withFewOperands } from '../graph/few_operands.ts'
import type { Program } from '../graph/graph.ts'
import { openOrtSession } from './ort.ts'
import type { Session } from './session.ts'
import { loadTensorFlow } from './tensorflow.ts'
import { openTfjsSession } from './tfjs.ts'

/** A node may bind 16 buffers on WebGPU: of more than 8 operands some would be left over. */
const WEBGPU_OPERANDS = 8

/** Makes a program ready to run on a device. */
export async function openSession(program: Program, device: Device): Promise<Session> {
  if (device.kind === 'tfjs') return openTfjsSession(program, loadTensorFlow())
  return openOrtSession(device.kind === 'webgpu' ? withFewOperands(program, WEBGPU_OPERANDS) : program, device)
}
