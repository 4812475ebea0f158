import { expect, test } from 'vitest'
import * as panoptune from '../../src/eval/index.ts'
import { stream } from '../../src/rng.ts'

const SIZE = { width: 16, height: 12 }
const categories = [
  { id: 7, name: 'cell', isThing: true },
  { id: 3, name: 'sky', isThing: false },
]

test('whoever imports panoptune/eval gets PQ, mIoU and AP of masks out of one joint histogram', () => {
  for (let seed = 0; seed < 20; seed++) {
    const [truth, prediction] = [blocks(seed), disturbed(seed)]
    const classes = [0, 1, 0, 1]
    const segments = classes.map((category, i) => ({ category, score: 1 - i / 10 }))
    const listed = classes.map((category, i) => ({ id: i + 1, category, isCrowd: false, area: truth.filter((label) => label === i + 1).length })) // prettier-ignore
    const [a, b] = [truth, prediction].map((labels) => panoptune.runsOfLabels(labels, { ...SIZE, levels: 6 }))
    const joint = panoptune.jointOfRuns(a!, b!)

    const counts = panoptune.emptyCounts(categories)
    panoptune.countSegments(joint, listed, segments, counts)
    const scene = { imageId: 1, file: 'a', ...SIZE, at: 0, segments: listed }
    const set = { id: 'a', pixels: new Uint8Array(), labels: truth, categories, scenes: [scene] }
    expect(counts).toEqual(panoptune.scoreScene(set, 0, { labels: prediction, segments }))

    const [rolled, counted] = [panoptune.emptyConfusion(2), panoptune.emptyConfusion(2)]
    panoptune.countSegmentClasses(joint, listed, segments, rolled)
    const [of, by] = [truth, prediction].map((labels) => ({ name: 'a', labels: labels.map((label) => classes[label - 1] ?? 255) })) // prettier-ignore
    panoptune.countLabels(of!, by!, 255, counted)
    expect(panoptune.semanticQuality(rolled)).toEqual(panoptune.semanticQuality(counted))

    const instances = panoptune.panopticInstances([{ joint, truth: listed, prediction: segments }], categories)
    const { AP50, AR } = panoptune.averagePrecision(instances).per_category['7']!
    // A segment that PQ matches has an IoU above a half, and so does AP's first threshold.
    expect(AP50 > 0).toBe(counts.tp[0]! > 0)
    expect(AR).toBeLessThanOrEqual(counts.tp[0]! / 2)
  }
})

/** Four segments and void, in columns. */
function blocks(seed: number): Uint16Array {
  const rng = stream(seed, 'columns')
  const labels = Array.from({ length: SIZE.width }, (_, x) => (x < 5 ? x : rng.below(5)))
  return Uint16Array.from({ length: SIZE.width * SIZE.height }, (_, i) => labels[i % SIZE.width]!)
}

function disturbed(seed: number): Uint16Array {
  const rng = stream(seed, 'disturbed')
  return blocks(seed).map((label) => (rng.uniform() < 0.3 ? rng.below(5) : label))
}
