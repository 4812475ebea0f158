import { chmodSync, existsSync, lstatSync, mkdirSync, readFileSync, readdirSync, statSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { messageOf, TuneError } from '../errors.ts'
import { writeAtomically } from '../results.ts'
import { isHeld, takeLock, type KernelLock } from './kernel_lock.ts'

/** Who uses a slot, as they said themselves. */
export interface Holder {
  readonly study: string
  readonly pid: number
}

/** A slot that is in use; by whom is not known while they are still writing it down. */
export interface SlotInUse {
  /** The slot of its device, counted from 0. */
  readonly slot: number
  readonly by: Holder | undefined
}

/** How long to wait for someone who only looks. */
const PATIENCE_MS = 250

/**
 * Takes a slot of a device for this process, or says who has it. The kernel frees it however the process ends. `device` is
 * a UUID, or whatever else tells it from the others of this machine. A lock's file is never removed: whoever has opened it
 * just before would hold a lock that nobody else sees.
 */
export function lockSlot(device: string, slot: number, holder: Holder): KernelLock | SlotInUse {
  const base = join(ensureLockDir(), `${safe(device)}-${slot}`)
  const lock = takeLock(`${base}.lock`, PATIENCE_MS)
  if (!lock) return { slot, by: readHolder(base) }
  writeAtomically(`${base}.json`, JSON.stringify(holder))
  return lock
}

/** The slots of a device that are in use. */
export function slotsInUse(device: string): readonly SlotInUse[] {
  const dir = lockDir()
  if (!existsSync(dir) || faultOf(dir) !== undefined) return []
  return readdirSync(dir)
    .flatMap((name) => {
      const [, of, slot] = /^(.+)-(\d{1,4})\.lock$/.exec(name) ?? []
      return of === safe(device) && isHeld(join(dir, name)) ? [Number(slot)] : []
    })
    .toSorted((a, b) => a - b)
    .map((slot) => ({ slot, by: readHolder(join(dir, `${safe(device)}-${slot}`)) }))
}

/**
 * The user's own directory for locks, which all of their processes on this machine share, and no others: not those of other
 * users, nor those in another container. Not XDG_RUNTIME_DIR, which is removed when the user logs out: a study that goes on
 * overnight would lose its locks.
 */
function lockDir(): string {
  return join(tmpdir(), `panoptune-${process.getuid?.() ?? userInfo().username}`)
}

/** The same, made where it is missing. */
function ensureLockDir(): string {
  const dir = lockDir()
  const fault = faultOf(dir)
  if (fault === undefined) return dir
  throw new TuneError('results/unwritable', `${dir}, for locks of devices, ${fault}`, {
    hint: 'remove it, or set TMPDIR to a directory of your own',
  })
}

/** What is wrong with a directory where nobody else may write, so that neither a link nor a file of theirs is opened. */
function faultOf(dir: string): string | undefined {
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 })
    const found = lstatSync(dir)
    if (!found.isDirectory()) return 'is no directory'
    if (process.getuid && found.uid !== process.getuid()) return 'belongs to another user'
    if ((found.mode & 0o077) !== 0) chmodSync(dir, 0o700)
    return undefined
  } catch (error) {
    return `cannot be used: ${messageOf(error)}`
  }
}

const MOST_BYTES = 4096

function readHolder(base: string): Holder | undefined {
  const file = `${base}.json`
  try {
    if (statSync(file).size > MOST_BYTES) return undefined
    const { study, pid } = JSON.parse(readFileSync(file, 'utf8')) as Partial<Holder>
    return typeof study === 'string' && typeof pid === 'number' ? { study, pid } : undefined
  } catch {
    return undefined
  }
}

/** A device's name as a part of a file's: it may be said by a program. */
function safe(device: string): string {
  return device.replaceAll(/[^\w.-]/g, '_')
}
