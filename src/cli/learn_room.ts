import type { StudyEvent } from '../event.ts'
import { nvidiaGpus, type Gpu } from '../models/engines/nvidia.ts'
import type { Device } from '../trial.ts'
import type { Slot } from '../trials/executor.ts'
import { createRoom, deviceKey, type Room } from '../trials/room.ts'
import { count } from './format.ts'

/** Learns from the first trial of each GPU how many fit there. */
export interface LearnedRoom {
  readonly room: Room
  /** Told what happens in the study. */
  tell(event: StudyEvent): void
  close(): void
}

/** Memory of a GPU in MiB, by whomever it is used. */
interface Memory {
  readonly total: number
  readonly free: number
  readonly used: number
}

/** A GPU while its first trial runs. */
interface Measuring {
  readonly before: Memory | undefined
  /** The most that was in use since. */
  peak: number
  reports: number
}

/** How often GPUs are looked at while first trials run, and no longer. */
const LOOK_MS = 1000
/** Reports in which a trial takes memory, if it ever does. */
const REPORTS = 3

/**
 * Room for one trial a GPU until its first one has made a report: by then it has trained and been scored, which shows what
 * it takes. From then on as many as fit; `onLeft` is told of slots that stay empty.
 */
export async function learnRoom(
  slots: readonly Slot[],
  say: (text: string) => void,
  onLeft: (slot: Slot) => void,
): Promise<LearnedRoom> {
  const room = createRoom(slots, { isLearned: true })
  const before = await memories()
  const keys = new Set(slots.map(({ device }) => deviceKey(device)))
  const measuring = new Map([...keys].map((key): [string, Measuring] => [key, { before: before.get(key), peak: 0, reports: 0 }])) // prettier-ignore
  let timer: NodeJS.Timeout | undefined

  const look = async () => {
    clearTimeout(timer)
    const now = await memories()
    for (const [key, gpu] of measuring) gpu.peak = Math.max(gpu.peak, now.get(key)?.used ?? 0)
    if (measuring.size > 0) timer = setTimeout(() => void look(), LOOK_MS).unref()
  }
  const learn = async (device: Device) => {
    const key = deviceKey(device)
    const gpu = measuring.get(key)
    if (!gpu) return
    gpu.reports++
    await look()
    const isSeen = !gpu.before || gpu.peak > gpu.before.used || gpu.reports >= REPORTS
    if (!isSeen || !measuring.delete(key)) return
    const places = slots.filter((slot) => deviceKey(slot.device) === key)
    const { trials, reason } = fitOf(`${device.kind}:${device.index}`, places.length, gpu.before, gpu.peak)
    say(reason)
    for (const slot of places.slice(trials)) onLeft(slot)
    room.limit(device, trials)
  }
  return {
    room,
    tell: (event) => {
      if (event.kind === 'trial-started' && !timer) void look()
      if (event.kind === 'trial-reported') void learn(event.trial.device)
    },
    close: () => {
      measuring.clear()
      clearTimeout(timer)
    },
  }
}

/** Left free, in MiB: for what the system itself draws, and for the driver. */
const RESERVE = 512
/** Trials with other params may take more. */
const MARGIN = 1.2

/** How many of the most trials that are wanted fit a GPU where one was in use up to `peak` MiB, and why, in a sentence. */
export function fitOf(
  name: string,
  most: number,
  before: Memory | undefined,
  peak: number,
): { readonly trials: number; readonly reason: string } {
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
