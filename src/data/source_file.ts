import { constants } from 'node:buffer'
import { readFileSync, statSync } from 'node:fs'
import { messageOf, TuneError } from '../errors.ts'
import { fingerprint } from '../json.ts'

/** A file that a set is made from, as it was when the set's id was taken. */
export interface SourceFile {
  readonly path: string
  readonly size: number
  readonly sha256: string
}

/** Reads a file only to know its content. `what` says in a message what the file was to be. */
export function inspectFile(path: string, what: string): SourceFile {
  const bytes = readBytes(path, what)
  return { path, size: bytes.length, sha256: fingerprint(bytes) }
}

/** The bytes of a file that is still the one inspected: what was decoded is then what the id stands for. */
export function readInspected({ path, sha256 }: SourceFile): Buffer {
  const bytes = readBytes(path, 'a file of the set')
  if (fingerprint(bytes) === sha256) return bytes
  throw new TuneError('data/invalid', `${path}: changed while the set was being read`, {
    hint: 'run again once nothing writes to the data set',
  })
}

/** Follows links, as data sets have them; what they lead to must be a file: of a pipe or a device there may be no end. */
export function readBytes(path: string, what: string): Buffer {
  try {
    if (!statSync(path).isFile()) throw new Error('it is no file')
    return readFileSync(path)
  } catch (error) {
    const isAbsent = error instanceof Error && 'code' in error && error.code === 'ENOENT'
    throw new TuneError(
      'data/missing',
      `${path}: ${what} ${isAbsent ? 'is not there' : `cannot be read: ${messageOf(error)}`}`,
      {
        hint: 'fetch the data set again, or correct the file name in its JSON',
        cause: error,
      },
    )
  }
}

/** Bytes as text. Throws `data/invalid` where there are more than a string of this Node holds, 512 MiB. */
export function textOf(bytes: Buffer, path: string, hint = 'split it: fewer images in each'): string {
  const most = constants.MAX_STRING_LENGTH
  if (bytes.length <= most) return bytes.toString()
  throw new TuneError('data/invalid', `${path}: ${bytes.length} bytes; JSON of ${most} bytes and more cannot be read`, { hint }) // prettier-ignore
}
