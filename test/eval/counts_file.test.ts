import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { expect, test } from 'vitest'
import { checkPaired, loadCounts, saveCounts, type StoredCounts } from '../../src/eval/counts_file.ts'
import { temporaryDir } from '../temporary.ts'
import { simulate, simulatedCategories } from './simulated.ts'

test('counts come back as they were kept, whatever their size', () => {
  const file = join(temporaryDir(), 'trial', 'val.counts')
  for (const most of [3, 300, 70_000]) {
    const stored = counts(5)
    stored.statistics.fp[2] = most
    saveCounts(file, stored)
    expect(loadCounts(file)).toEqual(stored)
    expect(readdirSync(join(file, '..'))).toEqual(['val.counts'])
  }
})

test('5000 images of 11 classes take less than a megabyte', () => {
  const file = join(temporaryDir(), 'val.counts')
  const few = counts(500, 133)
  saveCounts(file, few)
  const perEntry = readFileSync(file).length / few.statistics.classOf.length
  expect(perEntry * 11 * 5000).toBeLessThan(1e6)
})

test('any byte flipped and any length cut is found', () => {
  const file = join(temporaryDir(), 'val.counts')
  saveCounts(file, counts(1, 1))
  const whole = readFileSync(file)
  for (let i = 0; i < whole.length; i++) {
    const flipped = Buffer.from(whole)
    flipped[i]! ^= 0x10
    writeFileSync(file, flipped)
    expect(() => loadCounts(file), `byte ${i}`).toThrow(/not a file of counts|version|checksum/)
    writeFileSync(file, whole.subarray(0, i))
    expect(() => loadCounts(file), `${i} bytes`).toThrow(/not a file of counts|checksum/)
  }
})

test('a file whose checksum holds, but which promises more than it has, is found before memory is made for it', () => {
  const file = join(temporaryDir(), 'val.counts')
  const stored = counts(2)
  for (const [from, to] of [
    ['"entries":', '"entries":99999999'],
    ['"width":1', '"width":8'],
    ['"imageIds":[', '"imageIds":[0,'],
    ['"categories":[', '"categories":9,"c":['],
  ] as const) {
    // prettier-ignore
    saveCounts(file, stored)
    writeFileSync(file, sealed(readFileSync(file), from, to))
    expect(() => loadCounts(file), `head with ${to}`).toThrow('its head does not fit what follows')
  }
  saveCounts(file, { ...stored, categories: stored.categories.slice(0, 1) })
  expect(() => loadCounts(file)).toThrow('its entries are of no image or class')
})

/** The same with another head, and a checksum that holds. */
function sealed(content: Buffer, from: string, to: string): Buffer {
  const end = 16 + content.readUInt32LE(12)
  const head = Buffer.from(content.toString('utf8', 16, end).replace(from, to))
  const changed = Buffer.concat([content.subarray(0, 16), head, content.subarray(end)])
  changed.writeUInt32LE(head.length, 12)
  changed.writeUInt32LE(crc32(changed.subarray(12)), 8)
  return changed
}

test('what is not there is said so', () => {
  expect(() => loadCounts(join(temporaryDir(), 'val.counts'))).toThrow(
    expect.objectContaining({ code: 'data/missing', message: expect.stringContaining('val.counts') }),
  )
})

test('only counts of the same images and classes can be paired, and both values are named', () => {
  const a = counts(3)
  const check = (b: Partial<StoredCounts>) => () => checkPaired(a, { ...a, ...b }, ['trial 1', 'trial 2'])
  expect(check({})).not.toThrow()
  expect(check(counts(4))).toThrow(/trial 1 and trial 2 .*3 images against 4/)
  expect(check({ imageIds: ['image 0', 'other', 'image 2'] })).toThrow(
    /image 2 is image 1 in one and other in the other/,
  )
  expect(check({ categories: simulatedCategories(2) })).toThrow(/0, 1, 2 and 0, 1$/)
  expect(check({ set: 'another' })).toThrow(/changed in between/)
})

function counts(images: number, classes = 3): StoredCounts {
  const [statistics] = simulate({ images, classes, segments: 6, tail: 0.5, seed: 1 }, [0.3])
  const imageIds = Array.from({ length: images }, (_, i) => `image ${i}`)
  return { set: 'abc', categories: simulatedCategories(classes), imageIds, statistics: statistics! }
}
