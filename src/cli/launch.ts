import { existsSync, readFileSync } from 'node:fs'
import { isAbsolute, join, relative, resolve, sep } from 'node:path'
import { TuneError } from '../errors.ts'
import type { Json } from '../json.ts'
import { studyDir, writeAtomically } from '../results.ts'
import type { ExecutorKind } from '../study.ts'
import type { SlotCount } from './slots.ts'

/** How a study was started: what `tune resume` starts again. */
export interface Launch {
  /** The study file. */
  readonly file: string
  readonly set: Readonly<Record<string, string>>
  readonly name?: string
  readonly seed?: number
  readonly trials?: number
  readonly steps?: number
  readonly failures?: number
  readonly slots?: SlotCount
  readonly executor?: ExecutorKind
  readonly device?: string
}

/** Keeps the study file's place as seen from the results: they can be moved together, and resumed from anywhere. */
export function writeLaunch(results: string, study: string, launch: Launch): void {
  const stored = { ...launch, file: relative(resolve(results), resolve(launch.file)) }
  const json = JSON.parse(JSON.stringify(stored)) as Json
  writeAtomically(launchFile(results, study), `${JSON.stringify(json, null, 2)}\n`)
}

/**
 * How a study was started. Whoever hands over results hands over this file, too: nothing in it is trusted but the place of
 * the study file, and no code that came with the results is run.
 */
export function readLaunch(results: string, study: string): Launch {
  const file = launchFile(results, study)
  if (!existsSync(file)) throw unknownLaunch(`how '${study}' was started is not known: ${file} is missing`)
  const launch = readJson(file)
  if (!isLaunch(launch)) throw unknownLaunch(`how '${study}' was started is not known: ${file} is damaged`)
  const studyFile = resolve(results, launch.file)
  if (isInside(resolve(results), studyFile)) throw unknownLaunch(`the study file that ${file} names lies in the results, which are no place for code: ${launch.file}`) // prettier-ignore
  return { ...launch, file: relative('.', studyFile) }
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return undefined
  }
}

/** What is out of range is refused as it is where a person writes it. */
function isLaunch(value: unknown): value is Launch {
  if (typeof value !== 'object' || value === null) return false
  const fields = value as Readonly<Record<string, unknown>>
  const { file, set, slots } = fields
  const isSet = typeof set === 'object' && set !== null && Object.values(set).every((text) => typeof text === 'string')
  const isEach = (names: readonly string[], type: string) => names.every((name) => fields[name] === undefined || typeof fields[name] === type) // prettier-ignore
  const isSlots = slots === undefined || slots === 'auto' || (Number.isSafeInteger(slots) && Number(slots) > 0)
  return typeof file === 'string' && isSet && isSlots && isEach(['name', 'executor', 'device'], 'string') && isEach(['seed', 'trials', 'steps', 'failures'], 'number') // prettier-ignore
}

function isInside(dir: string, file: string): boolean {
  const path = relative(dir, file)
  return path !== '..' && !path.startsWith(`..${sep}`) && !isAbsolute(path)
}

function unknownLaunch(message: string): TuneError {
  return new TuneError('study/unknown', message, { hint: 'give the study file instead: tune --study FILE' })
}

function launchFile(results: string, study: string): string {
  return join(studyDir(results, study), 'launch.json')
}
