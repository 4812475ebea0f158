import { groupInstances, type Groups } from './ap_groups.ts'
import { AREA_RANGES, IOU_THRESHOLDS, matchInstances, type Matches } from './ap_match.ts'
import { curveOf, type Curve } from './ap_curve.ts'
import type { Overlap } from './instance_overlap.ts'

/** An instance of a ground truth. */
export interface TruthInstance {
  /** Of its annotation; COCOeval takes a match with id 0 for none. */
  readonly id: number
  /** Index of its image, in the order of the images' ids. */
  readonly image: number
  /** Index into the categories. */
  readonly category: number
  /** A crowd is ignored: it excuses any number of detections, and none has to find it. */
  readonly isCrowd: boolean
  /** Pixels, as its annotation says. */
  readonly area: number
}

/** A detected instance. */
export interface Detection extends Pick<TruthInstance, 'image' | 'category' | 'area'> {
  /** Its confidence; only the order counts. Finite. */
  readonly score: number
}

/** Instances of both sides and how well any two of them agree; the order of the lists decides between equal scores. */
export interface ScoredInstances {
  /** Ids, in ascending order. */
  readonly categories: readonly number[]
  readonly images: number
  readonly truth: readonly TruthInstance[]
  readonly detections: readonly Detection[]
  readonly overlap: Overlap
}

/** Scores of a category over all areas with the most detections: fractions, -1 where it has no ground truth. */
export interface CategoryAp {
  readonly AP: number
  readonly AP50: number
  readonly AP75: number
  readonly AR: number
}

/** As COCOeval gives them: fractions, -1 where nothing is defined. */
export interface InstanceQuality {
  /** AP, AP50, AP75, AP small, medium, large; AR at each number of detections; AR small, medium, large. */
  readonly stats: readonly number[]
  /** By the data set's own category ids. */
  readonly per_category: Readonly<Record<string, CategoryAp>>
}

export interface ApOptions {
  /** How many of an image's best detections of a category count; at least three numbers. */
  readonly maxDets?: readonly number[]
}

/**
 * Average precision and recall to the digit as COCOeval computes them (cocoapi 8c9bcc3), its quirks included: `stats[0]`
 * is that of 100 detections, or -1 where 100 is not among `maxDets`; the other precisions are those of the third.
 */
export function averagePrecision(
  instances: ScoredInstances,
  { maxDets = [1, 10, 100] }: ApOptions = {},
): InstanceQuality {
  const limits = maxDets.toSorted((a, b) => a - b)
  const [few, more, many] = limits
  const most = limits.at(-1)
  if (few === undefined || more === undefined || many === undefined || most === undefined) {
    throw new RangeError(`${maxDets.length} numbers of detections; COCO's scores are of three`)
  }
  const groups = groupInstances(instances, most)
  const matches = matchInstances(instances, groups)
  const curves = (area: number, limit: number) => categoryCurves(groups, matches, area, limit)
  const [all, small, medium, large] = AREA_RANGES.map((_, area) => curves(area, many)) as [Curves, Curves, Curves, Curves] // prettier-ignore
  return {
    stats: [
      limits.includes(100) ? precision(curves(ALL, 100)) : -1,
      precision(all, 0.5),
      precision(all, 0.75),
      ...[small, medium, large].map((each) => precision(each)),
      ...[curves(ALL, few), curves(ALL, more), all].map(recall),
      ...[small, medium, large].map(recall),
    ],
    per_category: perCategory(instances.categories, curves(ALL, most)),
  }
}

/**
 * Names of `stats` as papers write them, `m` for masks and `b` for boxes: AP-m, AP-m-50, ... COCO's own "m", medium, is
 * spelled out.
 */
export function statNames(iou: 'segm' | 'bbox', maxDets: readonly number[]): readonly string[] {
  const ap = iou === 'segm' ? 'AP-m' : 'AP-b'
  const areas = ['small', 'medium', 'large']
  const limits = maxDets.toSorted((a, b) => a - b).slice(0, 3)
  return [
    ap,
    `${ap}-50`,
    `${ap}-75`,
    ...areas.map((area) => `AP-area-${area}`),
    ...limits.map((limit) => `AR-${limit}`),
    ...areas.map((area) => `AR-area-${area}`),
  ]
}

/** For each category a curve for each IoU threshold, or undefined where it has nothing to find. */
type Curves = readonly (readonly Curve[] | undefined)[]

/** The range of areas without a limit. */
const ALL = 0

function categoryCurves(groups: Groups, matches: Matches, area: number, limit: number): Curves {
  return groups.byCategory.map((detections, category) => {
    const positives = matches.positives[area]![category]!
    if (positives === 0) return undefined
    const ranked = detections.filter((d) => groups.rank[d]! < limit)
    return IOU_THRESHOLDS.map((_, threshold) => curveOf(ranked, matches.outcomes[area]!, threshold, positives))
  })
}

function perCategory(ids: readonly number[], curves: Curves): InstanceQuality['per_category'] {
  const scores = ids.map((id, category) => {
    const own = [curves[category]]
    return [id, { AP: precision(own), AP50: precision(own, 0.5), AP75: precision(own, 0.75), AR: recall(own) }]
  })
  return Object.fromEntries(scores)
}

/** Mean over categories and IoU thresholds, or over categories at one threshold. */
function precision(curves: Curves, iou?: number): number {
  const chosen = (_: Curve, threshold: number) => iou === undefined || IOU_THRESHOLDS[threshold] === iou
  return mean(curves.flatMap((each) => (each ?? []).filter(chosen).map(({ precision }) => precision)))
}

function recall(curves: Curves): number {
  return mean(curves.flatMap((each) => (each ?? []).map(({ recall }) => recall)))
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? -1 : values.reduce((sum, value) => sum + value, 0) / values.length
}
