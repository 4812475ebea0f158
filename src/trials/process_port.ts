import type { ChildProcess } from 'node:child_process'
import type { Port } from './channel.ts'

/** A way to a child process, or from it to its parent. */
export function processPort(other: ChildProcess | NodeJS.Process): Port {
  return {
    // Where the other has died, its exit says so, and nobody waits for more.
    send: (message) => void other.send?.(message as object, undefined, undefined, () => undefined),
    listen: (hear) => {
      other.on('message', hear)
      return () => other.off('message', hear)
    },
  }
}
