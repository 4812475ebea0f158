import { readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { stream } from '../../src/rng.ts'
import { readHeads, writeHeads } from '../../src/models/heads_file.ts'
import type { HeadMaps } from '../../src/models/decode.ts'
import { drawnSet } from '../data/drawn_set.ts'
import { temporaryDir } from '../temporary.ts'

const sizes = [
  { height: 3, width: 5 },
  { height: 4, width: 2 },
]
const set = { ...drawnSet(sizes.map((size) => ({ ...size, labelAt: () => 0 }))), id: 'ab'.repeat(32) }

test('outputs come back bit by bit, only for their own set', () => {
  const file = join(temporaryDir(), 'val.heads')
  const outputs = someOutputs()
  writeHeads(file, set, outputs)
  expect(readHeads(file, set)).toEqual(outputs)
  expect(readHeads(file, { ...set, id: 'cd'.repeat(32) })).toBeUndefined()
  expect(readHeads(file, { ...set, scenes: set.scenes.slice(1) })).toBeUndefined()
  expect(readHeads(`${file}.not`, set)).toBeUndefined()
})

test('a file with any byte changed, or cut short anywhere, is none', () => {
  const file = join(temporaryDir(), 'val.heads')
  writeHeads(file, set, someOutputs())
  const whole = readFileSync(file)
  for (let at = 0; at < whole.length; at += at < 96 ? 1 : 5) {
    const altered = Buffer.from(whole)
    altered[at]! ^= 1 << (at % 8)
    writeFileSync(file, altered)
    expect(readHeads(file, set), `byte ${at}`).toBeUndefined()
  }
  for (let length = whole.length - 1; length >= 0; length -= 7) {
    writeFileSync(file, whole)
    truncateSync(file, length)
    expect(readHeads(file, set), `${length} bytes`).toBeUndefined()
  }
})

test('outputs of another size than their scene are refused', () => {
  const [first, second] = someOutputs()
  const file = join(temporaryDir(), 'val.heads')
  expect(() => writeHeads(file, set, [second!, first!])).toThrow(/scene 0 is 5x3, its output 2x4/)
  expect(() => writeHeads(file, set, [first!])).toThrow(/1 outputs for 2 scenes/)
})

function someOutputs(): HeadMaps[] {
  const rng = stream(1, 'outputs')
  return sizes.map(({ height, width }) => ({
    height,
    width,
    semantic: Int32Array.from({ length: height * width }, () => rng.below(300) - 1),
    center: Float32Array.from({ length: height * width }, () => rng.normal()),
    offset: Float32Array.from({ length: 2 * height * width }, () => 1e3 * rng.normal()),
  }))
}
