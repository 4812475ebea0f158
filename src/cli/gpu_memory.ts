import { nvidiaGpus, type Gpu } from '../models/engines/nvidia.ts'
import type { Device } from '../trial.ts'
import { deviceKey } from '../trials/room.ts'
import { count } from './format.ts'

/** Memory of a GPU in MiB, by whomever it is used. */
interface Memory {
  readonly total: number
  readonly free: number
  readonly used: number
}

/** A GPU before trials ran there, as far as that is known, and the most MiB that were in use since. */
export interface GpuPeak {
  readonly before: Memory | undefined
  readonly peak: number
}

/** Looks at the memory of GPUs while trials run. */
export interface GpuWatch {
  /** Looks now and, until it is closed, every second: only for as long as something is being measured. */
  look(): Promise<void>
  peakOf(device: Device): GpuPeak
  close(): void
}

const LOOK_MS = 1000

export async function watchGpus(): Promise<GpuWatch> {
  const before = await memories()
  const peaks = new Map<string, number>()
  let timer: NodeJS.Timeout | undefined
  let isClosed = false
  const look = async () => {
    clearTimeout(timer)
    for (const [key, { used }] of await memories()) peaks.set(key, Math.max(used, peaks.get(key) ?? 0))
    clearTimeout(timer)
    if (!isClosed) timer = setTimeout(() => void look(), LOOK_MS).unref()
  }
  return {
    look,
    peakOf: (device) => {
      const key = deviceKey(device)
      return { before: before.get(key), peak: peaks.get(key) ?? 0 }
    },
    close: () => {
      isClosed = true
      clearTimeout(timer)
    },
  }
}

/** Left free, in MiB: for what the system itself draws, and for the driver. */
const RESERVE = 512
/** Trials with other params may take more. */
const MARGIN = 1.2

/** How many of the most trials that are wanted fit a GPU, from the peak of one, and why, in a sentence. */
export function fitOf(
  { kind, index }: Device,
  most: number,
  { before, peak }: GpuPeak,
): { readonly trials: number; readonly reason: string } {
  const name = `${kind}:${index}`
  if (!before) return { trials: 1, reason: `${name} takes one trial at once: nvidia-smi does not say how much memory it has left` } // prettier-ignore
  const taken = peak - before.used
  if (taken <= 0) return { trials: most, reason: `${name} fits ${count(most, 'trial')}: one took no memory there that nvidia-smi shows` } // prettier-ignore
  const trials = Math.max(1, Math.min(most, Math.floor((before.free - RESERVE) / (taken * MARGIN))))
  const others = before.used > RESERVE ? `, ${gibibytes(before.used)} GiB were in use before` : ''
  const measured = `one peaked at ${gibibytes(taken)} GiB of ${gibibytes(before.total)}${others}`
  if (trials === most) return { trials, reason: `${name} fits ${count(most, 'trial')}: ${measured}` }
  const fit = trials === 1 ? '1 fits' : `${trials} fit`
  return { trials, reason: `${name} does not fit ${count(most, 'trial')}: ${measured}, ${fit} (--slots N insists)` }
}

/** What is known of the memory of each GPU, by its UUID. */
async function memories(): Promise<ReadonlyMap<string, Memory>> {
  const found = await nvidiaGpus()
  return new Map('gpus' in found ? found.gpus.flatMap(memoryOf) : [])
}

function memoryOf({ uuid, memoryMiB: total, freeMiB: free, usedMiB: used }: Gpu): readonly [string, Memory][] {
  return total === undefined || free === undefined || used === undefined ? [] : [[uuid, { total, free, used }]]
}

function gibibytes(mebibytes: number): string {
  return (mebibytes / 1024).toFixed(1)
}
