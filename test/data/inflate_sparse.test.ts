import { constants, deflateSync, inflateSync } from 'node:zlib'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { inflateSparse } from '../../src/data/inflate_sparse.ts'

/** Zeros with a few bytes between, of which some come again. */
const sparse: fc.Arbitrary<Uint8Array> = fc
  .record({
    size: fc.integer({ min: 1, max: 40_000 }),
    spots: fc.array(fc.record({ place: fc.nat(), bytes: fc.uint8Array({ minLength: 1, maxLength: 5 }), again: fc.integer({ min: 6, max: 4000 }) }), { maxLength: 12 }), // prettier-ignore
  })
  .map(({ size, spots }) => {
    const bytes = new Uint8Array(size)
    for (const { place, bytes: some, again } of spots) {
      for (let at = place % size; at + some.length <= size; at += Math.max(again, Math.ceil(size / 20)))
        bytes.set(some, at)
    }
    return bytes
  })

const options = fc.record({
  level: fc.integer({ min: 1, max: 9 }),
  strategy: fc.constantFrom(constants.Z_DEFAULT_STRATEGY, constants.Z_FILTERED, constants.Z_FIXED, constants.Z_RLE, constants.Z_HUFFMAN_ONLY), // prettier-ignore
  memLevel: fc.integer({ min: 1, max: 9 }),
})

test('what zlib compresses is inflated, by any of its strategies and in blocks of any size', () => {
  let inflated = 0
  fc.assert(
    fc.property(sparse, options, (bytes, how) => {
      const found = dense(deflateSync(bytes, how), bytes.length)
      if (found) inflated++
      return found === undefined || found.equals(bytes)
    }),
    { numRuns: 500, seed: 3 },
  )
  expect(inflated).toBeGreaterThan(400)
})

test('a stream that zlib refuses is never taken, whichever byte was changed or cut off', () => {
  const bytes = new Uint8Array(20_000)
  for (let at = 0; at < bytes.length; at += 97) bytes[at] = at
  const whole = deflateSync(bytes)
  expect(dense(whole, bytes.length)?.equals(bytes)).toBe(true)
  let refused = 0
  fc.assert(
    fc.property(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), fc.boolean(), (place, change, isCut) => {
      const damaged = isCut ? whole.subarray(0, place) : Uint8Array.from(whole)
      if (!isCut) damaged[place]! ^= change
      const found = dense(damaged, bytes.length)
      if (!found) refused++
      return found === undefined || found.equals(inflateSync(damaged))
    }),
    { numRuns: 2000, seed: 4 },
  )
  expect(refused).toBeGreaterThan(1900)
})

test('a size that is not that of the stream, and bytes that are not sparse, are left to zlib', () => {
  const stream = deflateSync(new Uint8Array(5000))
  expect([4999, 5000, 5001].map((size) => inflateSparse(stream, size)?.count)).toEqual([undefined, 0, undefined])
  expect(inflateSparse(deflateSync(new Uint8Array(5000).fill(7)), 5000)).toBeUndefined()
  expect(inflateSparse(deflateSync(new Uint8Array(5000), { level: 0 }), 5000)).toBeUndefined()
})

function dense(stream: Uint8Array, size: number): Buffer | undefined {
  const found = inflateSparse(stream, size)
  if (!found) return undefined
  const bytes = Buffer.alloc(size)
  for (let i = 0; i < found.count; i++) bytes[found.places[i]!] = found.values[i]!
  return bytes
}
