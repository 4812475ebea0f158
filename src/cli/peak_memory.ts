import { gpuMemoryBytes } from '../models/engines/nvidia.ts'
import type { Device } from '../trial.ts'

/** Bytes above what was in use before, at their peak. */
export interface PeakMemory {
  /** Of this process. */
  readonly process: number
  /** Of the GPUs of CUDA that were used, all together, by whomever. */
  readonly gpus?: number
}

const SAMPLE_MS = 20
/** To ask nvidia-smi takes long itself. */
const GPU_SAMPLE_MS = 500

/** Watches the memory of this process, and of the devices given, while something runs. */
export async function withPeakMemory<T>(
  devices: readonly Device[],
  run: () => Promise<T>,
): Promise<{ readonly result: T; readonly memory: PeakMemory }> {
  const gpus = [...new Set(devices.filter(({ kind }) => kind === 'cuda').map(({ index }) => index))]
  const used = async () => (await Promise.all(gpus.map(gpuMemoryBytes))).reduce((sum, bytes) => sum + bytes, 0)
  const before = { process: process.memoryUsage.rss(), gpus: await used() }
  const peak = { ...before }
  const look = () => void (peak.process = Math.max(peak.process, process.memoryUsage.rss()))
  const lookAtGpus = async () => void (peak.gpus = Math.max(peak.gpus, await used()))
  const timers = [
    setInterval(look, SAMPLE_MS),
    ...(gpus.length > 0 ? [setInterval(() => lookAtGpus(), GPU_SAMPLE_MS)] : []),
  ]
  try {
    const result = await run()
    look()
    await lookAtGpus()
    const above = { process: peak.process - before.process }
    return { result, memory: gpus.length > 0 ? { ...above, gpus: peak.gpus - before.gpus } : above }
  } finally {
    for (const timer of timers) clearInterval(timer)
  }
}
