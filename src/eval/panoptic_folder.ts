import { statSync } from 'node:fs'
import { TuneError } from '../errors.ts'

/** Throws `data/missing` where a folder of label PNGs is not there. */
export function checkFolder(dir: string, what: string): void {
  if (statSync(dir, { throwIfNoEntry: false })?.isDirectory()) return
  throw new TuneError('data/missing', `${dir}: no such folder; the label PNGs of the ${what} are expected there`)
}
