import { student95 } from '../student.ts'
import { leaves, spaceSpec, type Space } from '../space.ts'
import { BASELINE, lossAt, type History, type Trial } from '../trial.ts'
import { numbers, paramValue, table } from './format.ts'

/** One level of a parameter against the baseline's, by pairs of trials that differ in nothing else but chance. */
export interface LevelEffect {
  /** Index of the parameter among the dimensions. */
  readonly dim: number
  /** A trial at this level. */
  readonly example: Trial
  readonly pairs: number
  /** How much more of the first goal's metric the level has, on average. */
  readonly difference: number
  /** Half the length of its 95 % interval by Student's t; infinite for one pair. */
  readonly reach: number
}

/**
 * What each level of a grid is worth. Pairs agree in all other parameters; where both levels were repeated, the first
 * completed trial meets the first, the second the second.
 */
export function levelEffects({ goals, dims, trials }: History): readonly LevelEffect[] {
  const goal = goals[0]!
  const sign = goal.direction === 'minimize' ? 1 : -1
  const baseline = trials[BASELINE]
  if (!baseline) return []
  const complete = trials.filter(({ outcome }) => outcome.state === 'complete')
  return dims.flatMap((_, dim) => {
    const levels = groups(complete, ({ point }) => coordinate(point[dim]!))
    const own = coordinate(baseline.point[dim]!)
    const reference = byRest(levels.get(own) ?? [], dim)
    return [...levels].flatMap(([level, some]): readonly LevelEffect[] => {
      const differences = [...byRest(some, dim)].flatMap(([rest, repeats]) => {
        const others = reference.get(rest) ?? []
        return repeats
          .slice(0, others.length)
          .map((trial, i) => sign * (lossAt(goal, trial) - lossAt(goal, others[i]!)))
      })
      if (level === own || differences.length === 0) return []
      return [{ dim, example: some[0]!, pairs: differences.length, ...meanOf(differences) }]
    })
  })
}

/** Trials by all their coordinates but one. */
function byRest(trials: readonly Trial[], dim: number): ReadonlyMap<string, readonly Trial[]> {
  return groups(trials, ({ point }) => point.map((x, d) => (d === dim ? '' : coordinate(x))).join())
}

function groups(trials: readonly Trial[], keyOf: (trial: Trial) => string): ReadonlyMap<string, readonly Trial[]> {
  const found = new Map<string, Trial[]>()
  for (const trial of trials) {
    const group = found.get(keyOf(trial)) ?? []
    group.push(trial)
    found.set(keyOf(trial), group)
  }
  return found
}

/** A continuous coordinate comes back from its value, rounded. */
function coordinate(x: number): string {
  return x.toFixed(9)
}

function meanOf(values: readonly number[]): Pick<LevelEffect, 'difference' | 'reach'> {
  const { length } = values
  const difference = values.reduce((sum, value) => sum + value, 0) / length
  if (length < 2) return { difference, reach: Infinity }
  const variance = values.reduce((sum, value) => sum + (value - difference) ** 2, 0) / (length - 1)
  return { difference, reach: student95(length - 1) * Math.sqrt(variance / length) }
}

/** A table for each parameter, a row a level, the best level first. */
export function levelsText(history: History, space: Space): string {
  const baseline = history.trials[BASELINE]
  const effects = levelEffects(history).toSorted((a, b) => b.difference - a.difference)
  const valueOf = (trial: Trial, dim: number) => paramValue(leaves(spaceSpec(space), trial.params)[dim]?.value)
  const tables = history.dims.flatMap(({ name }, dim) => {
    const own = effects.filter((effect) => effect.dim === dim)
    if (!baseline || own.length === 0) return []
    const heads = [`${name}, over ${valueOf(baseline, dim)}`, history.goals[0]!.metric, '95 % interval', 'pairs']
    const cells = numberCells(own)
    return [table(heads, own.map(({ example }, i) => [valueOf(example, dim), ...cells[i]!]))] // prettier-ignore
  })
  return tables.join('\n')
}

/** Difference, interval and pairs of each row, with as many decimals each. */
function numberCells(effects: readonly LevelEffect[]): readonly (readonly string[])[] {
  const values = effects.flatMap(({ difference, reach }) => [difference, difference - reach, difference + reach])
  const texts = numbers(values.map(Math.abs)).map((text, i) => (values[i]! < 0 ? '-' : '+') + text)
  return effects.map(({ pairs }, i) => {
    const [difference = '', low, high] = texts.slice(3 * i)
    return [difference, pairs > 1 ? `${low} to ${high}` : '-', String(pairs)]
  })
}
