import { readFileSync } from 'node:fs'

/** How long the event loop was kept from its timers, in milliseconds each time. */
export interface Blocked {
  /** By the clock, waiting for a core included. */
  readonly late: number[]
  /** Without that: what this thread did, or waited for a file or a lock. */
  readonly own: number[]
  stop(): void
}

const EVERY_MS = 5

/** Watches the event loop. Linux says how long a thread has waited for a core: on a busy machine that is most of it. */
export function watchLoop(): Blocked {
  const [late, own]: [number[], number[]] = [[], []]
  let [at, waited] = [performance.now(), waitedForCore()]
  const timer = setInterval(() => {
    const [now, nowWaited] = [performance.now(), waitedForCore()]
    const gap = Math.max(0, now - at - EVERY_MS)
    late.push(gap)
    own.push(Math.max(0, gap - (nowWaited - waited)))
    ;[at, waited] = [now, nowWaited]
  }, EVERY_MS)
  return { late, own, stop: () => clearInterval(timer) }
}

/** Milliseconds that this process's main thread was ready to run and had no core. https://docs.kernel.org/scheduler/sched-stats.html */
function waitedForCore(): number {
  const [, nanoseconds] = readFileSync(`/proc/${process.pid}/task/${process.pid}/schedstat`, 'utf8').split(' ')
  return Number(nanoseconds) / 1e6
}
