import { expect, test } from 'vitest'
import { contentHash } from '../../src/trials/content_hash.ts'

const hash = (value: unknown) => contentHash(value, '/home/results')

/** Pixels in shared memory, as image sets have them. */
function shared(...values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(new SharedArrayBuffer(values.length))
  bytes.set(values)
  return bytes
}

test('equal data has equal hashes, whatever the order of keys and wherever the results lie', () => {
  const data = { pixels: shared(1, 2, 3), names: ['a', 'b'], by: new Map([['a', 1]]), file: '/home/results/cache/x' }
  const { file, by, ...rest } = structuredClone(data)
  expect(hash({ by, file, ...rest })).toBe(hash(data))
  expect(contentHash({ ...data, file: '/elsewhere/cache/x' }, '/elsewhere')).toBe(hash(data))
})

test('any other value has another hash', () => {
  const values = [
    undefined, null, 0, -0, 1, '1', true, 'true', Number.NaN, [], [[]], [1, [2]], [[1], 2], {}, { a: undefined }, { a: 1 },
    { b: 1 }, new Map([['a', 1]]), new Set(['a']), new Set([1]), new Date(0), new Date(1), shared(), shared(0), shared(0, 0),
    new Uint8Array([0]).subarray(0, 0), new Uint16Array([0]), new Float32Array([1]), new Float32Array([2]), ['a', 'b'], ['ab'], ['b', 'a'],
  ] // prettier-ignore
  const hashes = values.map(hash)
  // An empty array of bytes is the same in shared memory and outside.
  expect(new Set(hashes).size).toBe(values.length - 1)
  expect(hashes[22]).toBe(hashes[25])
})

test('of a view only what it shows counts, and data that holds itself has an end', () => {
  const bytes = shared(1, 2, 3, 4)
  expect(hash(bytes.subarray(1, 3))).toBe(hash(shared(2, 3)))
  const round: { self?: unknown; n: number } = { n: 1 }
  round.self = round
  expect(hash(round)).toBe(hash(structuredClone(round)))
  expect(hash(round)).not.toBe(hash({ ...round, n: 2 }))
})
