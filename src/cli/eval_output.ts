import { writeFileSync } from 'node:fs'
import { messageOf, TuneError } from '../errors.ts'

/** A fraction in percent as papers print it; a dash where it is not defined, for which COCO says -1. */
export function percent(score: number | null): string {
  return score === null || score === -1 ? '-' : (100 * score).toFixed(1)
}

/** Writes a report as JSON. */
export function writeReport(file: string, report: unknown): void {
  try {
    writeFileSync(file, `${JSON.stringify(report, undefined, 2)}\n`)
  } catch (cause) {
    throw new TuneError('results/unwritable', `${file}: cannot be written (${messageOf(cause)})`, { cause })
  }
}
