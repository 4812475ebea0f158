import { existsSync, readFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
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

export function readLaunch(results: string, study: string): Launch {
  const file = launchFile(results, study)
  if (!existsSync(file)) throw unknownLaunch(`how '${study}' was started is not known: ${file} is missing`)
  try {
    const launch = JSON.parse(readFileSync(file, 'utf8')) as Launch
    return { ...launch, file: relative('.', resolve(results, launch.file)) }
  } catch (cause) {
    throw unknownLaunch(`how '${study}' was started is not known: ${file} is damaged`, cause)
  }
}

function unknownLaunch(message: string, cause?: unknown): TuneError {
  return new TuneError('study/unknown', message, { hint: 'give the study file instead: tune --study FILE', cause })
}

function launchFile(results: string, study: string): string {
  return join(studyDir(results, study), 'launch.json')
}
