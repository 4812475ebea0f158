import type { Rng } from '../rng.ts'
import { levelAt, levelCentre, type Dim } from '../space.ts'
import type { Trial } from '../trial.ts'

/** The share of trials that counts as good, and the most that do: as for `tpe`. */
const GOOD = 0.15
const MOST_GOOD = 25

/**
 * A level by how often good trials have it, among those where the dimension is active, with one trial more that is
 * spread over all levels. `ended` are trials, the best first.
 */
export function drawLevel({ levels }: Dim, d: number, ended: readonly Trial[], rng: Rng): number {
  const good = ended.slice(0, Math.min(MOST_GOOD, Math.ceil(GOOD * ended.length)))
  const seen = good.map(({ point }) => point[d] ?? Number.NaN).filter((x) => !Number.isNaN(x))
  const from = seen[rng.below(seen.length + 1)]
  return levelCentre(from === undefined ? rng.below(levels) : levelAt(from, levels), levels)
}
