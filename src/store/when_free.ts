/**
 * Does a transaction, or a read, as soon as no other program writes, or mends the log after one that died. SQLite itself
 * waits longer and longer between two looks, so that one that writes often could pass it again and again.
 */
export function whenFree<T>(run: () => T, patienceMs: number): T {
  const until = performance.now() + patienceMs
  for (;;) {
    try {
      return run()
    } catch (error) {
      if (!isBusy(error) || performance.now() >= until) throw error
    }
    Atomics.wait(SLEEP, 0, 0, 1)
  }
}

const SLEEP = new Int32Array(new SharedArrayBuffer(4))

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('SQLITE_BUSY')
}
