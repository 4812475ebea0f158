import type { ImageSet } from './image_set.ts'
import { domainOf } from './normalisation.ts'

/** Lets scenes with something rare come more often. */
export interface Balance {
  /** What is rare: a class, of which crowds do not count, or a domain, the folder that a photograph lies in. */
  readonly by: 'class' | 'domain'
  /** What is in less than this share of the scenes is rare, more than 0 and at most 1. */
  readonly below: number
}

/**
 * How often each scene is to come in an epoch, 1 or more: the repeat factor sampling of LVIS (Gupta et al. 2019, appendix
 * B). What is in a share f of the scenes has the factor max(1, sqrt(below / f)); a scene's is its rarest part's.
 */
export function repeatFactors(
  set: Pick<ImageSet, 'scenes'>,
  scenes: readonly number[],
  { by, below }: Balance,
): ReadonlyMap<number, number> {
  const partsOf = new Map(scenes.map((index) => [index, partsOfScene(set, index, by)]))
  const counts = new Map<string | number, number>()
  for (const part of [...partsOf.values()].flatMap((parts) => [...parts])) counts.set(part, (counts.get(part) ?? 0) + 1)
  const factorOf = (part: string | number) => Math.sqrt((below * partsOf.size) / (counts.get(part) ?? 1))
  return new Map([...partsOf].map(([index, parts]) => [index, Math.max(1, ...[...parts].map(factorOf))]))
}

function partsOfScene(
  { scenes }: Pick<ImageSet, 'scenes'>,
  index: number,
  by: Balance['by'],
): ReadonlySet<string | number> {
  const scene = scenes[index]!
  if (by === 'domain') return new Set([domainOf(scene)])
  return new Set(scene.segments.filter(({ isCrowd }) => !isCrowd).map(({ category }) => category))
}
