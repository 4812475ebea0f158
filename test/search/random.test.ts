import { expect, test } from 'vitest'
import { random } from '../../src/search/random.ts'
import { samplerContract } from '../contracts/sampler.ts'
import { firstPoints } from './histories.ts'

samplerContract(random())

test('random gives the points it always gave', () => {
  expect(firstPoints(random(), 5)).toMatchInlineSnapshot(`
    [
      "0.875783 0.532484 0.387256",
      "0.683251 0.943371 0.992501",
      "0.915486 0.119516 0.991695",
      "0.282952 0.765976 0.362016",
      "0.301251 0.992885 0.542521",
    ]
  `)
})
