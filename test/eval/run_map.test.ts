import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { boxesOf } from '../../src/eval/boxes.ts'
import { jointOfRuns, runsOfLabels } from '../../src/eval/joint.ts'
import { kernelOf } from '../../src/eval/kernel.ts'
import { areasOf, flawOf, labelRuns, toLabels, type RunMap } from '../../src/eval/run_map.ts'
import { idRuns } from './images.ts'

/** Images of a few labels, or of so many that only the wide form holds them. */
const images = fc
  .record({
    width: fc.integer({ min: 1, max: 30 }),
    height: fc.integer({ min: 1, max: 12 }),
    most: fc.constantFrom(3, 254, 255, 400),
  }) // prettier-ignore
  .chain(({ width, height, most }) =>
    fc.record({
      size: fc.constant({ width, height, levels: most + 2 }),
      a: fc.array(fc.nat(most + 1), { minLength: width * height, maxLength: width * height }),
      b: fc.array(fc.nat(most + 1), { minLength: width * height, maxLength: width * height }),
    }),
  )

test('dense labels survive as runs, packed or wide, with their areas and boxes', () => {
  fc.assert(
    fc.property(images, ({ size, a }) => {
      const labels = Uint16Array.from(a)
      for (const kernel of ['plain', 'simd'] as const) {
        const map = runsOfLabels(labels, size, kernelOf(kernel))
        expect(map.kind).toBe(size.levels <= 256 ? 'packed' : 'wide')
        expect(toLabels(map)).toEqual(labels)
        expect(flawOf(map, size.levels)).toBeUndefined()
        const places = (label: number) => a.flatMap((other, i) => (other === label ? [i] : []))
        expect([...areasOf(map)]).toEqual(Array.from({ length: size.levels }, (_, label) => places(label).length))
        expect(boxesOf(map)[a[0]!]).toEqual(boxOf(places(a[0]!), size.width))
      }
    }),
    { numRuns: 150, seed: 1 },
  )
})

test('pairs of labels are counted alike in any form, by any kernel', () => {
  fc.assert(
    fc.property(images, ({ size, a, b }) => {
      const expected = new Uint32Array(size.levels ** 2)
      for (const [i, label] of a.entries()) expected[label * size.levels + b[i]!]! += 1
      for (const name of ['plain', 'simd'] as const) {
        const kernel = kernelOf(name)
        const [x, y] = [a, b].map((labels) => runsOfLabels(Uint16Array.from(labels), size, kernel)) as [RunMap, RunMap]
        for (const [left, right] of [
          [x, y],
          [wide(x), y],
          [x, wide(y)],
        ] as const) {
          // prettier-ignore
          const { pixels, columns } = jointOfRuns(left, right, kernel)
          expect(columns).toBe(size.levels)
          expect(Buffer.from(pixels.buffer).equals(Buffer.from(expected.buffer))).toBe(true)
        }
      }
    }),
    { numRuns: 100, seed: 2 },
  )
})

test('ids become labels by their place in the list, whatever ids are listed', () => {
  const id = fc.oneof(fc.nat(20), fc.constantFrom(0xffffff, 0xfffffe), fc.nat(0xffffff))
  const unseen = fc.constantFrom(-1, 2 ** 24, 0xffff_ffff, 2 ** 40)
  const cases = fc.record({
    pixels: fc.array(id, { minLength: 1, maxLength: 80 }),
    listed: fc.uniqueArray(fc.oneof({ weight: 9, arbitrary: id }, { weight: 1, arbitrary: unseen }), { maxLength: 40 }),
  })
  fc.assert(
    fc.property(cases, ({ pixels, listed }) => {
      const map = labelRuns(idRuns(pixels.length, 1, pixels), listed.map((other) => ({ id: other }))) // prettier-ignore
      const labelOf = (pixel: number) => (listed.includes(pixel) ? listed.indexOf(pixel) + 1 : pixel === 0 ? 0 : listed.length + 1) // prettier-ignore
      expect([...toLabels(map)]).toEqual(pixels.map(labelOf))
    }),
    { numRuns: 500, seed: 3 },
  )
})

function wide(map: RunMap): RunMap {
  if (map.kind === 'wide') return map
  const { width, height, levels, runs } = map
  return { kind: 'wide', width, height, levels, ends: runs.map((run) => run >>> 8), labels: Uint16Array.from(runs, (run) => run & 0xff) } // prettier-ignore
}

function boxOf(places: readonly number[], width: number): readonly number[] {
  const [xs, ys] = [places.map((at) => at % width), places.map((at) => Math.floor(at / width))]
  const [x, y] = [Math.min(...xs), Math.min(...ys)]
  return [x, y, Math.max(...xs) - x + 1, Math.max(...ys) - y + 1]
}
