import { leaves, spaceSpec, type Leaf } from '../space.ts'
import type { Study } from '../study.ts'
import type { Trial } from '../trial.ts'
import { paramValue } from './format.ts'

/** The parameters of a trial that lie within 5 % of a bound, or on it: beyond it may be better. */
export function atBounds(study: Study, { params, point }: Pick<Trial, 'params' | 'point'>): readonly string[] {
  return leaves(spaceSpec(study.space), params).flatMap(({ name, spec, value, active }, i) => {
    const ends = active ? endsOf(spec) : undefined
    if (!ends) return []
    const [low, high] = ends
    const x = point[i]!
    const end = value === low || x <= 0.05 ? 'lower' : value === high || x >= 0.95 ? 'upper' : undefined
    if (!end) return []
    return [`${name} ${paramValue(value)} is at the ${end} end of ${paramValue(low)} to ${paramValue(high)}`]
  })
}

/** The ends of a range; none where there is no order, or where nothing lies between them. */
function endsOf(spec: Leaf['spec']) {
  if ('low' in spec) return spec.low === spec.high ? undefined : ([spec.low, spec.high] as const)
  const { kind, choices } = spec
  return kind === 'ordinal' && choices.length > 2 ? ([choices[0]!, choices.at(-1)!] as const) : undefined
}
