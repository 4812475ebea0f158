import { array, assert, integer, property } from 'fast-check'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { appendLog, HEAD_BYTES, TAIL_BYTES } from '../src/log_file.ts'
import { temporaryDir } from './temporary.ts'

const NOTE = /\n\[ +(\d+) bytes were left out here \]\n/

/** Numbered lines: every byte says where it came from. */
function linesOf(count: number, from = 0): string {
  return Array.from({ length: count }, (_, i) => `line ${String(from + i).padStart(8)}\n`).join('')
}

describe('a log', () => {
  test('is what was written, as long as that is little', () => {
    const file = join(temporaryDir(), 'log.txt')
    for (const text of ['one\n', 'two\n', '']) appendLog(file, text)
    expect(readFileSync(file, 'utf8')).toBe('one\ntwo\n')
  })

  test('keeps its beginning and its end whatever is written in what pieces, and counts the rest', () => {
    assert(
      property(array(integer({ min: 1, max: 60_000 }), { minLength: 1, maxLength: 12 }), (pieces) => {
        const file = join(temporaryDir(), 'log.txt')
        let written = ''
        for (const lines of pieces) {
          const text = linesOf(lines, written.length / 14)
          appendLog(file, text)
          written += text
          expect(statSync(file).size).toBeLessThanOrEqual(HEAD_BYTES + 2 * TAIL_BYTES)
        }
        const log = readFileSync(file, 'utf8')
        const [head = '', leftOut = '0', tail = ''] = log.split(NOTE)
        expect(head).toBe(written.slice(0, head.length))
        expect(tail).toBe(written.slice(written.length - tail.length))
        expect(head.length + Number(leftOut) + tail.length).toBe(written.length)
        expect([log === head, head.length >= HEAD_BYTES && tail.length >= TAIL_BYTES]).toContain(true)
      }),
      { numRuns: 10 },
    )
  })
})
