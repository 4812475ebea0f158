import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { uniform, spaceDims } from '../../src/space.ts'
import type { Trial } from '../../src/trial.ts'
import { triedIn } from '../../src/trials/tried.ts'
import { trialOf } from '../search/histories.ts'

const dims = spaceDims({ x: uniform(0, 1), y: uniform(0, 1) })
const place = fc.constantFrom<readonly number[]>([0, 0], [0, 1], [1, 0], [Number.NaN, 0.1 + 0.2], [])
const histories = fc.array(fc.array(place, { maxLength: 8 }), { minLength: 1, maxLength: 6 })

test('the points of a history are those of its trials, whatever was asked about before', () => {
  fc.assert(
    fc.property(histories, (all) => {
      const owner = {}
      for (const points of all) {
        const trials: readonly Trial[] = points.map((point, number) => trialOf(number, [0], { point }))
        const { has, unplaced } = triedIn({ dims, trials }, owner)
        expect(unplaced).toBe(points.filter(({ length }) => length === 0).length)
        for (const point of [
          [0, 0],
          [0, 1],
          [1, 0],
          [1, 1],
          [Number.NaN, 0.1 + 0.2],
          [Number.NaN, 0.3],
        ]) {
          expect(has(point)).toBe(points.some((one) => one.length > 0 && one.every((x, d) => Object.is(x, point[d]))))
        }
      }
    }),
  )
})

test('the points of very many trials are known after each of very many more', () => {
  const owner = {}
  const pointOf = (n: number) => [n / 4096, (n % 7) / 7]
  const trials = Array.from({ length: 1300 }, (_, n) => trialOf(n, [0], { point: pointOf(n) }))
  for (const count of [1, 2, 90, 91, 1200, 1300, 40]) {
    const { has } = triedIn({ dims, trials: trials.slice(0, count) }, owner)
    const found = trials.filter(({ point }) => has(point)).map(({ number }) => number)
    expect(found).toEqual(Array.from({ length: count }, (_, n) => n))
  }
})
