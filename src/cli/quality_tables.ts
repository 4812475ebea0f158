import type { Category } from '../data/image_set.ts'
import type { Difference, Interval } from '../eval/bootstrap.ts'
import type { PanopticQuality } from '../eval/pq.ts'
import { SCORES, SPLITS, type ByScore } from '../eval/resampled_quality.ts'
import { percent } from './eval_output.ts'
import { table } from './format.ts'

/** PQ, SQ and RQ of all classes, things and stuff in percent, with their intervals where there are some. */
export function splitTable(quality: PanopticQuality, intervals?: ByScore<Interval>, title = ''): string {
  const rows = SPLITS.map((name) => {
    const split = quality[name]
    const cells = SCORES.flatMap((score) => [
      percent(split[score]),
      ...(intervals ? [range(intervals[name][score])] : []),
    ])
    return [name, ...cells, String(split.n)]
  })
  const headings = ['PQ', 'SQ', 'RQ'].flatMap((score) => [score, ...(intervals ? ['95 %'] : [])])
  return table([title, ...headings, 'N'], rows)
}

/** Two results in percent, their paired difference in points, its interval and p. */
export function differenceTable(
  a: PanopticQuality,
  b: PanopticQuality,
  differences: ByScore<Difference>,
  names: readonly [string, string],
  title = 'PQ',
): string {
  const rows = SPLITS.map((name) => {
    const found = differences[name].pq
    const between = found ? `${points(found.low)} to ${points(found.high)}` : '-'
    return [name, percent(a[name].pq), percent(b[name].pq), points(found?.difference), between, chance(found?.p)]
  }) // prettier-ignore
  return table([title, ...names, 'difference', '95 %', 'p'], rows)
}

/** A row for each class. */
export function classTable({ per_class: classes }: PanopticQuality, categories: readonly Category[]): string {
  const rows = categories.map(({ id, name }) => {
    const { pq, sq, rq, tp, fp, fn } = classes[id]!
    const scores = tp + fp + fn > 0 ? [pq, sq, rq] : [null, null, null]
    return [shortened(name), ...scores.map(percent), ...[tp, fp, fn].map(String)]
  })
  return table(['class', 'PQ', 'SQ', 'RQ', 'TP', 'FP', 'FN'], rows)
}

/** A difference in points, with its sign. */
export function points(difference: number | undefined): string {
  if (difference === undefined) return '-'
  const text = (100 * difference).toFixed(1)
  return difference < 0 || Number(text) === 0 ? text.replace('-0.0', '0.0') : `+${text}`
}

/** Short enough for the row to fit into 60 columns with counts of five digits. */
export function shortened(name: string): string {
  return name.length > 18 ? `${name.slice(0, 15)}...` : name
}

/** An interval in percent, narrow enough for three of them to stand in 72 columns. */
function range(interval: Interval | null): string {
  return interval ? `${percent(interval.low)}-${percent(interval.high)}` : '-'
}

function chance(p: number | undefined): string {
  if (p === undefined) return '-'
  return p < 0.001 ? '<0.001' : p.toFixed(3)
}
