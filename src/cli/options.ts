import { availableParallelism } from 'node:os'
import { InvalidArgumentError, Option } from 'commander'
import { TuneError } from '../errors.ts'
import type { Device } from '../trial.ts'
import type { Slot } from '../trials/executor.ts'

/** A whole number from 1, as commander parses an option. */
export function positive(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError('A whole number from 1 is needed.')
  return value
}

/** A whole number from 0. */
export function natural(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 0) throw new InvalidArgumentError('A whole number from 0 is needed.')
  return value
}

export interface ImageSize {
  readonly height: number
  readonly width: number
}

/** `64x96`: rows by columns. */
export function imageSize(text: string): ImageSize {
  const [, height, width] = /^(\d+)x(\d+)$/.exec(text)?.map(Number) ?? []
  if (!height || !width) throw new InvalidArgumentError('Write it as HEIGHTxWIDTH, such as 512x1024.')
  return { height, width }
}

/** Collects `--set key=value`, which may be given many times. */
export function keyValue(text: string, before: Readonly<Record<string, string>> = {}): Record<string, string> {
  const at = text.indexOf('=')
  if (at < 1) throw new InvalidArgumentError('Write it as key=value.')
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) }
}

/** Where studies are kept; every verb takes it. */
export const resultsOption = () => new Option('--results <dir>', 'where studies are kept').default('results')
export const jsonOption = () => new Option('--json', 'print JSON on stdout')

/**
 * The slots of `--device` and `--slots`: `cpu` gives as many as asked for (all cores by default), `cuda:0,1` one a GPU
 * or, with more slots, several each in turn. CPU threads are divided evenly.
 */
export function slotsOf(device: string, count: number | undefined): readonly Slot[] {
  const [kind, list] = device.split(':') as [string, string | undefined]
  if (kind !== 'cpu' && kind !== 'cuda' && kind !== 'webgpu' && kind !== 'tfjs') {
    throw new TuneError('usage', `--device ${device}: no such kind of device`, {
      hint: 'write cpu, cuda:0, cuda:0,1, webgpu or tfjs; tune devices tells which there are',
    })
  }
  const indices = (list ?? '0').split(',').map(Number)
  if (!indices.every((index) => Number.isSafeInteger(index) && index >= 0) || (kind === 'cpu' && list !== undefined)) {
    throw new TuneError('usage', `--device ${device}: '${list}' is no list of device numbers`, {
      hint: 'write cpu, cuda:0 or cuda:0,1',
    })
  }
  if (count !== undefined && count > MOST_SLOTS)
    throw new TuneError('usage', `--slots ${count}: more than ${MOST_SLOTS}`)
  const cores = availableParallelism()
  const slots = count ?? (kind === 'cpu' ? cores : indices.length)
  const threads = Math.max(1, Math.floor(cores / slots))
  return Array.from({ length: slots }, (_, index) => {
    const device: Device = { kind, index: indices[index % indices.length]!, threads }
    return { index, device }
  })
}

/** Each slot is a thread of its own. */
const MOST_SLOTS = 1024

/** The fields that are given: an optional one may be absent, not undefined. */
export function known<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never
}
