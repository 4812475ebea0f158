import { expect, test } from 'vitest'
import { pointsToTell } from '../../src/search/encoding.ts'
import { choice, int, oneOf, spaceDims, uniform } from '../../src/space.ts'

test('what is switched on in a third of the points takes three times as many to tell, and a choice one for each other option', () => {
  const space = {
    lr: uniform(0, 1),
    fixed: int(3, 3),
    optimizer: oneOf({ sgd: { momentum: uniform(0, 1) }, adam: { decay: choice('a', 'b', 'c') }, lion: {} }),
  }
  const dims = spaceDims(space)
  const byName = Object.fromEntries(pointsToTell(dims).map((points, d) => [dims[d]!.name, points]))
  expect(byName).toEqual({ lr: 1, fixed: 0, optimizer: 2, 'optimizer.sgd.momentum': 3, 'optimizer.adam.decay': 6 })
})
