import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { TuneError } from '../errors.ts'
import type { Json } from '../json.ts'
import { studyDir, writeAtomically } from '../results.ts'

/** How a study was started: what `tune resume` starts again. */
export interface Launch {
  /** The study file, as it was given. */
  readonly file: string
  readonly set: Readonly<Record<string, string>>
  readonly name?: string
  readonly seed?: number
  readonly trials?: number
  readonly steps?: number
}

export function writeLaunch(results: string, study: string, launch: Launch): void {
  const known: Json = JSON.parse(JSON.stringify(launch)) as Json
  writeAtomically(launchFile(results, study), `${JSON.stringify(known, null, 2)}\n`)
}

export function readLaunch(results: string, study: string): Launch {
  const file = launchFile(results, study)
  if (!existsSync(file)) {
    throw new TuneError('study/unknown', `how '${study}' was started is not known: ${file} is missing`, {
      hint: 'give its file instead: tune --study FILE',
    })
  }
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Launch
  } catch (error) {
    throw new TuneError('study/unknown', `${file} is no JSON`, {
      hint: 'give the study file instead: tune --study FILE',
      cause: error,
    })
  }
}

function launchFile(results: string, study: string): string {
  return join(studyDir(results, study), 'launch.json')
}
