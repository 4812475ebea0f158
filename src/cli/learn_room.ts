import type { StudyEvent } from '../event.ts'
import type { Device } from '../trial.ts'
import type { Slot } from '../trials/executor.ts'
import { createRoom, deviceKey, type Room } from '../trials/room.ts'
import { fitOf, watchGpus } from './gpu_memory.ts'

/** Learns from the first trial of each GPU how many fit there. */
export interface LearnedRoom {
  readonly room: Room
  /** Told what happens in the study. */
  tell(event: StudyEvent): void
  close(): void
}

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
  const watch = await watchGpus()
  /** Reports so far, by the devices that are still to be learned of. */
  const reports = new Map(slots.map(({ device }) => [deviceKey(device), 0]))

  const learn = async (device: Device) => {
    const key = deviceKey(device)
    const made = reports.get(key)
    if (made === undefined) return
    reports.set(key, made + 1)
    await watch.look()
    const seen = watch.peakOf(device)
    const isShown = !seen.before || seen.peak > seen.before.used || made + 1 >= REPORTS
    // Another report may have been quicker.
    if (!isShown || !reports.delete(key)) return
    if (reports.size === 0) watch.close()
    const places = slots.filter((slot) => deviceKey(slot.device) === key)
    const { trials, reason } = fitOf(device, places.length, seen)
    say(reason)
    for (const slot of places.slice(trials)) onLeft(slot)
    room.limit(device, trials)
  }
  return {
    room,
    tell: (event) => {
      if (event.kind === 'trial-started' && reports.size > 0) void watch.look()
      if (event.kind === 'trial-reported') void learn(event.trial.device)
    },
    close: watch.close,
  }
}
