import type { Device } from '../../trial.ts'
import type { Graph } from '../graph/graph.ts'
import { openOrtSession } from './ort.ts'
import type { Session } from './session.ts'

/** Makes a graph ready to run on a device. */
export async function openSession(graph: Graph, device: Device): Promise<Session> {
  return openOrtSession(graph, device)
}
