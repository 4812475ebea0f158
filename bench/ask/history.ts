import { stream } from '../../src/rng.ts'
import { decodeSpace, encodeSpace, spaceDims } from '../../src/space.ts'
import type { History } from '../../src/trial.ts'
import { historyOf, trialOf } from '../../test/search/histories.ts'
import { lossOf, space } from './study.ts'

/** The bench's study after so many trials at random, without a store. */
export function historyAfter(count: number): History {
  const dims = spaceDims(space)
  const rng = stream(1, 'bench', 'history')
  const trials = Array.from({ length: count }, (_, n) => {
    const params = decodeSpace(space, dims.map(() => rng.uniform())) // prettier-ignore
    return trialOf(n, [lossOf(params)], { point: encodeSpace(space, params) })
  })
  return historyOf(dims, trials)
}
