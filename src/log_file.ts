import { closeSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs'

/** Bytes of a log that are always kept: its beginning, and at least so many of its end. */
export const HEAD_BYTES = 512 * 1024
export const TAIL_BYTES = 256 * 1024

/**
 * Adds to a log at once, so that a process that dies leaves its last words. Of what would make the file larger than the
 * head and two tails, the middle is left out, with a note in its place that counts it. A full disk costs the log alone.
 */
export function appendLog(file: string, text: string | Uint8Array): void {
  const bytes = typeof text === 'string' ? Buffer.from(text) : text
  try {
    const fd = openSync(file, 'a+')
    try {
      if (fstatSync(fd).size + bytes.length <= HEAD_BYTES + 2 * TAIL_BYTES) writeAll(fd, bytes)
      else leaveOut(fd, bytes)
    } finally {
      closeSync(fd)
    }
  } catch (error) {
    if (!isFull(error)) throw error
  }
}

/** Keeps the head, and the last of what came after it and of the new bytes. */
function leaveOut(fd: number, bytes: Uint8Array): void {
  const room = Math.max(0, HEAD_BYTES - fstatSync(fd).size)
  writeAll(fd, bytes.subarray(0, room))
  const news = bytes.subarray(room)
  const { size } = fstatSync(fd)
  const before = leftOutBefore(fd)
  const start = HEAD_BYTES + (before === undefined ? 0 : NOTE_BYTES)
  const old = readAt(fd, Math.max(start, size - Math.max(0, TAIL_BYTES - news.length)), size)
  const kept = news.subarray(Math.max(0, news.length - TAIL_BYTES))
  const leftOut = (before ?? 0) + (size - start - old.length) + (news.length - kept.length)
  ftruncateSync(fd, HEAD_BYTES)
  writeAll(fd, Buffer.concat([Buffer.from(noteOf(leftOut)), old, kept]))
}

/** Of one length, whatever the count: it is found again where it stands. */
function noteOf(leftOut: number): string {
  return `\n[ ${String(leftOut).padStart(16)} bytes were left out here ]\n`
}

const NOTE_BYTES = noteOf(0).length

/** What the note in a log counts; undefined where it has none. */
function leftOutBefore(fd: number): number | undefined {
  const note = readAt(fd, HEAD_BYTES, HEAD_BYTES + NOTE_BYTES).toString('latin1')
  const count = Number(note.match(/\d+/)?.[0])
  return note === noteOf(count) ? count : undefined
}

function readAt(fd: number, from: number, to: number): Buffer {
  const bytes = Buffer.alloc(Math.max(0, to - from))
  return bytes.subarray(0, readSync(fd, bytes, 0, bytes.length, from))
}

function writeAll(fd: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at)
}

function isFull(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT')
}
