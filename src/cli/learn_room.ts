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

/** Memory of a GPU, in MiB. */
interface Measured {
  readonly total: number
  /** Before the first trial. */
  readonly free: number
  readonly used: number
}

/** How often a GPU is looked at while its first trial runs. */
const LOOK_MS = 5000
/** Left free: for what the system itself draws, and for the driver. */
const RESERVE_MIB = 512
/** Trials with other params may take more. */
const MARGIN = 1.2

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
  const before = await memoryOf()
  const peaks = new Map<string, number>()
  const learned = new Set<string>()
  const look = async () => {
    for (const [uuid, { used }] of await memoryOf()) peaks.set(uuid, Math.max(used, peaks.get(uuid) ?? 0))
  }
  const timer = setInterval(() => void look(), LOOK_MS).unref()

  const learn = async (device: Device) => {
    const key = deviceKey(device)
    if (learned.has(key)) return
    learned.add(key)
    await look()
    const places = slots.filter((slot) => deviceKey(slot.device) === key)
    const fit = fitOf(nameOf(device), places.length, before.get(key), peaks.get(key))
    say(fit.reason)
    for (const slot of places.slice(fit.trials)) onLeft(slot)
    room.limit(device, fit.trials)
    if (learned.size === new Set(slots.map((slot) => deviceKey(slot.device))).size) clearInterval(timer)
  }
  return {
    room,
    tell: (event) => {
      if (event.kind === 'trial-reported') void learn(event.trial.device)
    },
    close: () => clearInterval(timer),
  }
}

/** How many of the most trials that are wanted fit a GPU, and why, in a sentence. */
export function fitOf(
  name: string,
  most: number,
  before: Measured | undefined,
  peakMiB: number | undefined,
): { readonly trials: number; readonly reason: string } {
  if (!before || peakMiB === undefined) {
    return { trials: 1, reason: `${name} runs one trial at once: nvidia-smi does not say how much memory one takes` }
  }
  const taken = Math.max(1, peakMiB - before.used)
  const trials = Math.max(1, Math.min(most, Math.floor((before.free - RESERVE_MIB) / (taken * MARGIN))))
  const measured = `one peaked at ${gibibytes(taken)} of ${gibibytes(before.total)} GiB`
  const others = before.used > RESERVE_MIB ? `, ${gibibytes(before.used)} GiB of it used by others` : ''
  if (trials === most) return { trials, reason: `${name} fits ${count(most, 'trial')}: ${measured}${others}` }
  const reason = `${name} does not fit ${count(most, 'trial')}: ${measured}${others}, ${trials} ${trials === 1 ? 'fits' : 'fit'} (--slots N insists)` // prettier-ignore
  return { trials, reason }
}

/** What is known of the memory of each GPU, by UUID. */
async function memoryOf(): Promise<ReadonlyMap<string, Measured>> {
  const found = await nvidiaGpus()
  return new Map('gpus' in found ? found.gpus.flatMap((gpu) => measuredOf(gpu)) : [])
}

function measuredOf({ uuid, memoryMiB: total, freeMiB: free, usedMiB: used }: Gpu): readonly [string, Measured][] {
  return total === undefined || free === undefined || used === undefined ? [] : [[uuid, { total, free, used }]]
}

function nameOf({ kind, index }: Device): string {
  return `${kind}:${index}`
}

function gibibytes(mebibytes: number): string {
  return (mebibytes / 1024).toFixed(1)
}
