import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { TuneError } from '../errors.ts'
import { identityOf, isAlive, type ProcessIdentity } from '../process_identity.ts'
import { writeAtomically } from '../results.ts'
import { isHeld, takeLock } from './kernel_lock.ts'

/** How long the kernel may take to be done with a process that was ended: it may be writing to a slow disk. */
const PATIENCE_MS = 10_000

/**
 * Makes this process the worker of a slot for as long as it lives: the lease of every attempt that it runs. A driver that
 * finds the lock free knows that no such attempt is under way any more, however the worker ended.
 */
export function beWorker(dir: string, slot: number): void {
  const file = lockOf(dir, slot)
  if (!takeLock(file)) throw new TuneError('store/locked', `${file} is held by another worker`)
  writeAtomically(identityFile(file), JSON.stringify(identityOf(process.pid)))
}

/**
 * Ends the workers of a driver that is dead, such as one that hangs in native code and has not noticed; then none of its
 * attempts is under way any more. Only whoever holds the study may: the workers of a living driver are none of these.
 */
export function endOrphans(dir: string): void {
  for (const file of orphans(dir)) {
    const worker = readIdentity(identityFile(file))
    if (worker && isAlive(worker)) kill(worker.pid)
    const until = performance.now() + PATIENCE_MS
    while (isHeld(file)) {
      if (performance.now() > until) throw immortal(file, worker)
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10)
    }
  }
}

/** The locks of a directory that processes hold. Of a study that nobody runs, those processes are orphans. */
export function orphans(dir: string): readonly string[] {
  return namesIn(dir)
    .filter((name) => name.endsWith('.lock'))
    .map((name) => join(dir, name))
    .filter((file) => isHeld(file))
}

/** A worker leads a group of its own. */
function kill(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // It has ended meanwhile, or belongs to another user: then its lock says so.
  }
}

function immortal(file: string, worker: ProcessIdentity | undefined): TuneError {
  const who = worker ? `process ${worker.pid}` : 'a process'
  return new TuneError('store/locked', `${who} of an earlier run still holds ${file}, and could not be ended`, {
    hint: 'end it; it may run in another container or belong to another user',
  })
}

function readIdentity(file: string): ProcessIdentity | undefined {
  try {
    const { pid, started } = JSON.parse(readFileSync(file, 'utf8')) as Partial<ProcessIdentity>
    return Number.isSafeInteger(pid) && Number(pid) > 1 && typeof started === 'string'
      ? { pid: Number(pid), started }
      : undefined
  } catch {
    return undefined
  }
}

function lockOf(dir: string, slot: number): string {
  return join(dir, `${slot}.lock`)
}

function identityFile(lock: string): string {
  return lock.replace(/\.lock$/, '.json')
}

function namesIn(dir: string): readonly string[] {
  try {
    return readdirSync(dir)
  } catch {
    return []
  }
}
