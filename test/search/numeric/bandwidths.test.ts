import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { bandwidths } from '../../../src/search/numeric/bandwidths.ts'

/** Half the distance between the neighbours of a number, found by looking at all. */
function widthAt(x: number, observed: readonly number[], floor: number): number {
  if (Number.isNaN(x)) return 1
  const marks = [...observed.filter((other) => !Number.isNaN(other)), 0, 0.5, 1]
  const below = Math.max(...marks.filter((mark) => mark < x))
  const above = Math.min(...marks.filter((mark) => mark > x))
  const width = ((above === Infinity ? x : above) - (below === -Infinity ? x : below)) / 2
  return Math.max(0.04, (marks.length - 1) ** -2, floor, width)
}

test('a kernel is as wide as half the distance between its neighbours, however the observations lie', () => {
  const clustered = fc.double({ min: 0.49, max: 0.51, noNaN: true })
  const anywhere = fc.double({ min: 0, max: 1, noNaN: true })
  const x = fc.oneof(anywhere, clustered, fc.constantFrom(0, 0.25, 0.5, 1, Number.NaN))
  fc.assert(
    fc.property(fc.array(x, { maxLength: 60 }), fc.constantFrom(0, 0.1), (observed, floor) => {
      const widths = [...bandwidths(Float64Array.from(observed), floor)]
      expect(widths).toEqual(observed.map((one) => widthAt(one, observed, floor)))
    }),
  )
})
