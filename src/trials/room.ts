import type { Device } from '../trial.ts'
import type { Slot } from './executor.ts'

/**
 * How many trials at once each device has room for, of the slots that it has. Until the first trial of a device has shown
 * what memory one takes, it runs alone.
 */
export interface Room {
  /** Whether the slot may take a trial. A promise where that is not known yet: ask again once it has resolved. */
  mayTake(slot: Slot): boolean | Promise<void>
  /** From now on the device takes so many trials at once; it takes one at least. */
  limit(device: Device, trials: number): void
  /** The slot takes no more trials. Where others waited for what it would show, the next one shows it. */
  leave(slot: Slot): void
}

/** A device: its slots that take trials, in their order, and how many of them may. */
interface Place {
  readonly slots: number[]
  trials: number | undefined
  readonly waiting: (() => void)[]
}

/** Room for a trial in every slot or, where that has to be learned, for one a device at first. */
export function createRoom(slots: readonly Slot[], { isLearned = false } = {}): Room {
  const places = new Map<string, Place>()
  const placeOf = (device: Device): Place => {
    const key = deviceKey(device)
    const place = places.get(key) ?? { slots: [], trials: isLearned ? undefined : Infinity, waiting: [] }
    places.set(key, place)
    return place
  }
  for (const { index, device } of slots) placeOf(device).slots.push(index)
  const tell = ({ waiting }: Place) => {
    for (const resolve of waiting.splice(0)) resolve()
  }
  return {
    mayTake({ index, device }) {
      const { slots, trials, waiting } = placeOf(device)
      const before = slots.indexOf(index)
      if (before === 0 || trials !== undefined) return before < Math.max(1, trials ?? 1)
      return new Promise((resolve) => waiting.push(resolve))
    },
    limit(device, trials) {
      const place = placeOf(device)
      place.trials = trials
      tell(place)
    },
    leave({ index, device }) {
      const place = placeOf(device)
      const at = place.slots.indexOf(index)
      if (at >= 0) place.slots.splice(at, 1)
      tell(place)
    },
  }
}

/** The same for all slots of one device. */
export function deviceKey({ kind, index, uuid }: Device): string {
  return uuid ?? `${kind}:${index}`
}
