import { array, assert, boolean, constantFrom, nat, property, tuple } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { lineCutter, type Piece } from '../../src/command/lines.ts'

/** All pieces of some chunks. */
function piecesOf(chunks: readonly Buffer[], most?: number): readonly Piece[] {
  const lines = lineCutter(['pq', 'sq'], most)
  return [...chunks.flatMap((chunk) => [...lines.add(chunk)]), ...lines.end()]
}

/** A text cut at some places. */
function cutAt(text: string, places: readonly number[]): readonly Buffer[] {
  const sorted = [0, ...places.map((place) => place % (text.length + 1)).toSorted((a, b) => a - b), text.length]
  return sorted.slice(1).map((to, i) => Buffer.from(text.slice(sorted[i], to)))
}

describe('output that is cut at lines which may be reports', () => {
  const line = constantFrom('{"pq": 1}', '{"sq": 2, "pq": 1}', 'noise', '', 'more "pq" noise', '{"loss": 3}\r')
  const text = tuple(array(line), boolean()).map(([all, isWhole]) => all.map((one) => `${one}\n`).join('').slice(0, isWhole ? undefined : -1)) // prettier-ignore

  test('is all there, and has those lines, however it comes', () => {
    assert(
      property(text, array(nat()), (text, places) => {
        const pieces = piecesOf(cutAt(text, places))
        expect(Buffer.concat(pieces.map(({ bytes }) => bytes)).toString()).toBe(text)
        const found = pieces.filter(({ isLine }) => isLine).map(({ bytes }) => bytes.toString().trimEnd())
        expect(found).toEqual(text.split('\n').filter((one) => /"[ps]q"/.test(one)))
      }),
    )
  })

  test('is never held beyond a bound, and a line that is longer is none', () => {
    const long = `{"pq": 1, "text": "${'x'.repeat(300)}"}\n`
    const chunks = cutAt(`${long}{"pq": 2}\n`, [40, 80, 120, 200, 310])
    const pieces = piecesOf(chunks, 100)
    expect(pieces.filter(({ isLine }) => isLine).map(({ bytes }) => bytes.toString())).toEqual(['{"pq": 2}\n'])
    expect(Buffer.concat(pieces.map(({ bytes }) => bytes)).toString()).toBe(chunks.join(''))
  })
})
