import { availableParallelism } from 'node:os'
import { InvalidArgumentError } from 'commander'
import { TuneError } from '../errors.ts'
import { findDevices } from '../models/engines/devices.ts'
import type { KernelLock } from '../store/kernel_lock.ts'
import { lockSlot, type SlotInUse } from '../store/slot_locks.ts'
import type { ExecutorKind } from '../study.ts'
import type { Device } from '../trial.ts'
import type { Slot } from '../trials/executor.ts'
import { deviceKey } from '../trials/room.ts'
import { usualExecutor } from './executors.ts'
import { count } from './format.ts'

/** `--slots`: trials at once, or as many as there is room for. */
export type SlotCount = number | 'auto'

/** `--slots`, as commander parses it. */
export function slotCount(text: string): SlotCount {
  if (text === 'auto') return 'auto'
  const value = Number(text)
  if (Number.isSafeInteger(value) && value > 0 && value <= MOST_SLOTS) return value
  throw new InvalidArgumentError(`A whole number from 1 to ${MOST_SLOTS}, or auto, is needed.`)
}

/** Each slot is a thread or a process of its own. */
const MOST_SLOTS = 1024

/** A GPU is seldom faster with more: they only take turns there. */
const MOST_A_GPU = 4

/** What a trial on the CPU is reckoned with: small networks take less. */
const TRIAL_MIB = 512

/**
 * The slots of `--device` and `--slots`: without a number, one for each core that memory is free for, or one a GPU; with
 * more, several each in turn. `auto` gives GPUs the most that may fit. CPU threads are divided evenly. Says where memory
 * allows fewer than there are cores.
 */
export function slotsOf(
  text: string,
  asked: SlotCount | undefined,
  say: (text: string) => void = () => undefined,
): readonly Slot[] {
  const { kind, indices } = parseDevices(text)
  const slots = typeof asked === 'number' ? asked : usualSlots(kind, indices.length, asked, say)
  const threads = Math.max(1, Math.floor(availableParallelism() / slots))
  return Array.from({ length: slots }, (_, index) => {
    const device: Device = { kind, index: indices[index % indices.length]!, threads }
    return { index, device }
  })
}

/** How many trials run on the CPU at once where nobody says, and why. */
export function cpuSlots(): { readonly slots: number; readonly reason: string } {
  const cores = availableParallelism()
  const fit = Math.max(1, Math.floor(process.availableMemory() / 2 ** 20 / TRIAL_MIB))
  if (fit >= cores) return { slots: cores, reason: 'one a core' }
  return { slots: fit, reason: `${count(cores, 'core')}, but memory is free for ${fit} at ${TRIAL_MIB} MiB each` }
}

/** How many slots there are where no number is asked for. Only of GPUs of CUDA it can be seen how many trials fit. */
function usualSlots(kind: Device['kind'], devices: number, asked: 'auto' | undefined, say: (text: string) => void) {
  if (kind !== 'cpu') return devices * (asked === 'auto' && kind === 'cuda' ? mostAGpu(devices) : 1)
  const { slots, reason } = cpuSlots()
  if (slots < availableParallelism()) say(`${count(slots, 'slot')}: ${reason} (--slots N insists)`)
  return slots
}

/** The most trials that `--slots auto` runs on each of some GPUs: each has a core at least. */
export function mostAGpu(gpus: number): number {
  return Math.max(1, Math.min(MOST_A_GPU, Math.floor(availableParallelism() / gpus)))
}

function parseDevices(text: string): { readonly kind: Device['kind']; readonly indices: readonly number[] } {
  const [kind = '', list] = text.split(':', 2)
  if (kind !== 'cpu' && kind !== 'cuda' && kind !== 'webgpu' && kind !== 'tfjs') {
    throw new TuneError('usage', `--device ${text}: no such kind of device`, {
      hint: 'write cpu, cuda:0, cuda:0,1, webgpu or tfjs; tune devices tells which there are',
    })
  }
  const indices = (list ?? '0').split(',').map((one) => (/^\d{1,4}$/.test(one) ? Number(one) : -1))
  const isOnce = new Set(indices).size === indices.length
  if (!isOnce || indices.includes(-1) || (kind === 'cpu' && list !== undefined)) {
    throw new TuneError('usage', `--device ${text}: '${list}' is no list of device numbers`, {
      hint: 'write cuda:0 or cuda:0,1; cpu has no numbers',
    })
  }
  return { kind, indices }
}

/** Slots that this process has to itself, until it gives them back. */
export interface HeldSlots {
  readonly slots: readonly Slot[]
  release(slot: Slot): void
  close(): void
}

/**
 * Takes the slots that are asked for, of devices that are there. Those of GPUs are this process's alone: what others of the
 * same user have is left to them, and an error says who they are where nothing is left. On the CPU nobody is refused: there
 * the system shares the cores out, and two studies side by side only take longer.
 */
export async function holdSlots(
  wanted: readonly Slot[],
  study: string,
  executor: ExecutorKind | undefined,
  say: (text: string) => void,
): Promise<HeldSlots> {
  const asked = wanted.map(({ device }) => device)
  const devices = await findDevices(asked, (executor ?? usualExecutor(wanted)) === 'processes')
  const held: { readonly device: Device; readonly lock: KernelLock | undefined }[] = []
  const refused: RefusedSlot[] = []
  for (const [index, device] of devices.entries()) {
    const lock = isShared(device) ? undefined : lockSlot(deviceKey(device), nthOf(devices, index), { study, pid: process.pid }) // prettier-ignore
    if (lock && !('close' in lock)) refused.push({ device, by: lock.by })
    else held.push({ device, lock })
  }
  if (held.length === 0) throw allTaken(refused)
  if (refused.length > 0) {
    say(`${usersText(refused)}: this run has ${count(held.length, 'slot')}, not ${wanted.length}`)
  }
  return {
    slots: held.map(({ device }, index) => ({ index, device })),
    release: ({ index }) => held[index]?.lock?.close(),
    close: () => {
      for (const { lock } of held) lock?.close()
    },
  }
}

/** A slot that another process has. */
interface RefusedSlot {
  readonly device: Device
  readonly by: SlotInUse['by']
}

/** Whether any number of runs may use a device: TensorFlow.js, too, is on the CPU where it has no GPU. */
function isShared({ kind, uuid }: Device): boolean {
  return kind === 'cpu' || (kind === 'tfjs' && uuid === undefined)
}

/** Which of its device's slots one is, counted from 0. */
function nthOf(devices: readonly Device[], index: number): number {
  const key = deviceKey(devices[index]!)
  return devices.slice(0, index).filter((device) => deviceKey(device) === key).length
}

function allTaken(refused: readonly RefusedSlot[]): TuneError {
  return new TuneError('device/busy', usersText(refused), {
    hint: 'wait for it or stop it; tune devices shows what is free; --slots N asks for more slots a GPU, to share it',
  })
}

/** `cuda:0 is used by study 'a' (process 41)`. */
function usersText(refused: readonly RefusedSlot[]): string {
  const texts = refused.map(({ by, device: { kind, index } }) => `${kind}:${index} is used by ${holderText(by)}`)
  return [...new Set(texts)].join(', ')
}

export function holderText(by: SlotInUse['by']): string {
  return by ? `study '${by.study}' (process ${by.pid})` : 'another process'
}
