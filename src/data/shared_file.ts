import { randomUUID } from 'node:crypto'
import { closeSync, fstatSync, fsyncSync, openSync, readSync, renameSync, rmSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { TuneError } from '../errors.ts'
import { makeDirs } from '../results.ts'

/** A single read or write moves less than 2 GiB. */
const ONE_CALL = 2 ** 30

/** Bytes and where in a file they go. */
export interface FilePart {
  readonly at: number
  readonly bytes: Uint8Array
}

/** The whole of a file in memory that workers share; undefined where it is missing or shrinks while it is read. */
export function readShared(file: string): SharedArrayBuffer | undefined {
  let fd: number
  try {
    fd = openSync(file, 'r')
  } catch {
    return undefined
  }
  try {
    const memory = allocateShared(fstatSync(fd).size)
    for (let at = 0; at < memory.byteLength;) {
      const count = readSync(fd, new Uint8Array(memory, at, Math.min(ONE_CALL, memory.byteLength - at)), {
        position: at,
      })
      if (count === 0) return undefined
      at += count
    }
    return memory
  } finally {
    closeSync(fd)
  }
}

/** Writes a file so that any reader, in any process, sees all of it or nothing, whoever else writes it. */
export function writeWhole(file: string, parts: readonly FilePart[]): void {
  const writer = startFile(file)
  try {
    for (const part of parts) writer.write(part)
    writer.finish()
  } finally {
    writer.close()
  }
}

/** A file that is written bit by bit and is there once it is finished. */
export interface FileWriter {
  write(part: FilePart): void
  finish(): void
  /** To be called whatever happens; without `finish` nothing is left. */
  close(): void
}

export function startFile(file: string): FileWriter {
  makeDirs(dirname(file))
  const partial = `${file}.${randomUUID()}`
  const fd = openSync(partial, 'wx')
  return {
    write: ({ at, bytes }) => writeAll(fd, bytes, at),
    finish() {
      fsyncSync(fd)
      renameSync(partial, file)
    },
    close() {
      closeSync(fd)
      rmSync(partial, { force: true })
    },
  }
}

function writeAll(fd: number, bytes: Uint8Array, position: number): void {
  for (let at = 0; at < bytes.length;) {
    at += writeSync(fd, bytes, at, Math.min(ONE_CALL, bytes.length - at), position + at)
  }
}

/** Zeroed memory that workers share. */
export function allocateShared(bytes: number): SharedArrayBuffer {
  try {
    return new SharedArrayBuffer(bytes)
  } catch (error) {
    throw new TuneError('data/invalid', `the images need ${(bytes / 1e9).toFixed(1)} GB of memory in one piece`, {
      hint: 'open fewer of them, with a limit',
      cause: error,
    })
  }
}

/** The next multiple of 64. */
export function aligned(offset: number): number {
  return Math.ceil(offset / 64) * 64
}
