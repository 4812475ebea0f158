import { cmaes } from '../../src/search/cmaes.ts'
import { gp } from '../../src/search/gp.ts'
import { nsga2 } from '../../src/search/nsga2.ts'
import { random } from '../../src/search/random.ts'
import type { Sampler } from '../../src/search/sampler.ts'
import { sobol } from '../../src/search/sobol.ts'
import { tpe } from '../../src/search/tpe.ts'

/** A sampler to measure, and the milliseconds that ask + tell may take, by the number of trials. */
interface Measured {
  readonly make: () => Sampler
  readonly bars: Readonly<Record<number, number>>
}

const CHEAP = { 1000: 0.5, 5000: 1 }

export const SAMPLERS: Readonly<Record<string, Measured>> = {
  random: { make: random, bars: CHEAP },
  sobol: { make: sobol, bars: CHEAP },
  cmaes: { make: cmaes, bars: CHEAP },
  gp: { make: gp, bars: { 300: 100 } },
  nsga2: { make: nsga2, bars: CHEAP },
  tpe: { make: tpe, bars: { 1000: 1.5, 5000: 3 } },
}
