import { closeSync, constants, openSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * The lease of a trial is a named pipe beside its directory. Whoever watches over the trial's program holds it open while
 * any of the program may live, and the kernel closes it however that ends: no clock, and nothing to clean up. A next
 * attempt at the trial waits until nobody does. After a `kill -9` of the driver that takes as long as the program does to
 * end, for its watcher ends it then.
 */
export function leaseFile(trialDir: string): string {
  return `${trialDir}.running`
}

/** Whether somebody holds a lease. */
export function isHeld(file: string): boolean {
  try {
    // Only where somebody reads can a pipe be opened to write without waiting.
    closeSync(openSync(file, constants.O_WRONLY | constants.O_NONBLOCK))
    return true
  } catch {
    return false
  }
}

const LOOK_EVERY_MS = 50

/** Waits until nobody holds a lease, for so long at most. `hasWaited` says whether anybody did. */
export async function waitUntilFree(
  file: string,
  longestMs: number,
  signal: AbortSignal,
): Promise<{ readonly isFree: boolean; readonly hasWaited: boolean }> {
  for (let waitedMs = 0; waitedMs <= longestMs && !signal.aborted; waitedMs += LOOK_EVERY_MS) {
    if (!isHeld(file)) return { isFree: true, hasWaited: waitedMs > 0 }
    await sleep(LOOK_EVERY_MS)
  }
  return { isFree: false, hasWaited: true }
}
