import type { Device } from '../trial.ts'
import type { Slot } from './executor.ts'

/**
 * How many trials at once each device has room for. Slots beyond that stay empty: until the first trial of a device has
 * shown what memory one takes, and from then on where not all fit.
 */
export interface Room {
  /** Whether the slot may take a trial. A promise where that is not known yet: ask again once it has resolved. */
  mayTake(slot: Slot): boolean | Promise<void>
  /** From now on the device takes so many trials at once, from 1 to the slots that it has. */
  limit(device: Device, trials: number): void
  /** From now on the device takes one trial fewer at once; false where it takes only one already. */
  shrink(device: Device): boolean
  /** The slot takes no more trials. Where others waited for its first one to be measured, they take none either. */
  leave(slot: Slot): void
}

/** A device's slots, and how many of them are used. */
interface Place {
  readonly slots: readonly number[]
  trials: number | undefined
  readonly isKnown: Promise<void>
  readonly tell: () => void
}

/** Room for a trial in every slot or, where that has to be learned, for one a device at first. */
export function createRoom(slots: readonly Slot[], { isLearned = false } = {}): Room {
  const places = new Map<string, Place>()
  for (const { device } of slots) {
    const key = deviceKey(device)
    if (!places.has(key)) places.set(key, newPlace(slots.filter((slot) => deviceKey(slot.device) === key)))
  }
  const placeOf = (device: Device): Place => {
    const place = places.get(deviceKey(device))
    if (!place) throw new Error(`there is no slot on ${deviceKey(device)}`)
    return place
  }
  const limit = (device: Device, trials: number) => {
    const place = placeOf(device)
    place.trials = Math.max(1, Math.min(trials, place.slots.length))
    place.tell()
  }
  if (!isLearned) for (const { device } of slots) limit(device, slots.length)
  return {
    mayTake({ index, device }) {
      const { slots, trials, isKnown } = placeOf(device)
      const before = slots.indexOf(index)
      return trials === undefined && before > 0 ? isKnown : before < (trials ?? 1)
    },
    limit,
    shrink(device) {
      const { trials = 1 } = placeOf(device)
      if (trials > 1) limit(device, trials - 1)
      return trials > 1
    },
    leave({ index, device }) {
      const { slots, trials } = placeOf(device)
      if (trials === undefined && slots[0] === index) limit(device, 1)
    },
  }
}

/** The same for all slots of one device. */
export function deviceKey({ kind, index, uuid }: Device): string {
  return uuid ?? `${kind}:${index}`
}

function newPlace(slots: readonly Slot[]): Place {
  let tell = (): void => undefined
  const isKnown = new Promise<void>((resolve) => {
    tell = resolve
  })
  return { slots: slots.map(({ index }) => index), trials: undefined, isKnown, tell }
}
