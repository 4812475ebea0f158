import { InvalidArgumentError, Option } from 'commander'

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

/** The fields that are given: an optional one may be absent, not undefined. */
export function known<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never
}
