import { describe, expect, test } from 'vitest'
import { gp } from '../../src/search/gp.ts'
import { samplerContract } from '../contracts/sampler.ts'
import { firstPoints } from './histories.ts'

samplerContract(gp())

describe('gp', () => {
  test('gives the points it always gave', () => {
    expect(firstPoints(gp({ startup: 3 }), 6)).toMatchInlineSnapshot(`
      [
        "0.161208 0.867806 0.754011",
        "0.777119 0.730944 0.599794",
        "0.425822 0.500000 0.500000",
        "0.199975 0.500000 0.500000",
        "0.000000 0.500000 0.500000",
        "0.000000 0.300000 0.500000",
      ]
    `)
  })
})
