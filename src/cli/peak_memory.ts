import type { Device } from '../trial.ts'
import { deviceKey } from '../trials/room.ts'
import { watchGpus, type GpuPeak } from './gpu_memory.ts'

/** Memory while something ran. */
export interface PeakMemory {
  /** Bytes of this process at their peak, above what it had before. */
  readonly process: number
  /** The GPUs of CUDA that were used. */
  readonly gpus: readonly UsedGpu[]
}

interface UsedGpu extends GpuPeak {
  readonly device: Device
  /** How many trials ran there at once. */
  readonly trials: number
}

const SAMPLE_MS = 20

/** Watches the memory of this process, and of the devices given, one for each slot, while something runs. */
export async function withPeakMemory<T>(
  devices: readonly Device[],
  run: () => Promise<T>,
): Promise<{ readonly result: T; readonly memory: PeakMemory }> {
  const gpus = devices.filter(({ kind }) => kind === 'cuda')
  const watch = gpus.length > 0 ? await watchGpus() : undefined
  const before = process.memoryUsage.rss()
  let peak = before
  const look = () => void (peak = Math.max(peak, process.memoryUsage.rss()))
  const timer = setInterval(look, SAMPLE_MS)
  try {
    await watch?.look()
    const result = await run()
    look()
    await watch?.look()
    return { result, memory: { process: peak - before, gpus: watch ? usedGpus(gpus, watch.peakOf) : [] } }
  } finally {
    clearInterval(timer)
    watch?.close()
  }
}

function usedGpus(devices: readonly Device[], peakOf: (device: Device) => GpuPeak): readonly UsedGpu[] {
  const keys = devices.map(deviceKey)
  return devices
    .filter((_, i) => keys.indexOf(keys[i]!) === i)
    .map((device) => ({ device, trials: keys.filter((key) => key === deviceKey(device)).length, ...peakOf(device) }))
}
