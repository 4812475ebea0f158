import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { instancesCommand } from '../../src/cli/eval_instances.ts'
import type { Category } from '../../src/data/image_set.ts'
import { averagePrecision, statNames, type InstanceQuality } from '../../src/eval/ap.ts'
import { rleFromPixels, stringOf } from '../../src/eval/coco_rle.ts'
import { readInstances } from '../../src/eval/instances_json.ts'
import { panopticInstances } from '../../src/eval/panoptic_ap.ts'
import { jointHistogram } from '../../src/eval/segments.ts'
import { shuffled, stream, type Rng } from '../../src/rng.ts'
import { temporaryDir } from '../temporary.ts'

interface ReferenceCase {
  readonly maxDets: readonly number[]
  readonly gt: object
  readonly dt: object
  readonly segm: InstanceQuality
  readonly bbox: InstanceQuality
}

const { cases }: { cases: readonly ReferenceCase[] } = JSON.parse(
  readFileSync(join('test', 'fixtures', 'pycocotools_ap.json'), 'utf8'),
)

describe("random instances have pycocotools' scores", () => {
  test.each(cases.map((each, i) => ({ ...each, i })))('case $i, the best $maxDets count', (reference) => {
    const { gt, dt, maxDets } = reference
    const [truth, detections] = write(gt, dt)
    for (const iou of ['segm', 'bbox'] as const) {
      const { stats, per_category } = averagePrecision(readInstances(truth, detections, iou), { maxDets })
      expect(rounded(stats)).toEqual(rounded(reference[iou].stats))
      const scores = Object.values(reference[iou].per_category)
      expect(Object.keys(per_category)).toEqual(Object.keys(reference[iou].per_category))
      expect(Object.values(per_category).flatMap((own) => rounded(Object.values(own)))).toEqual(
        scores.flatMap((own) => rounded(Object.values(own))),
      )
    }
  })
})

describe('laws', () => {
  const scenes = fc.nat().map((seed) => drawScenes(stream(seed, 'scenes')))

  test('a ground truth that is its own prediction has AP 1', () => {
    fc.assert(
      fc.property(scenes, (scenes) => {
        const perfect = scenes.map(({ truth }) => ({ truth, prediction: truth }))
        const { stats } = averagePrecision(panopticInstances(comparedOf(perfect, false), CATEGORIES))
        const occurs = scenes.some(({ truth }) => truth.segments.some((segment) => segment.category < 2))
        // COCOeval's own epsilon keeps a precision below 1.
        for (const value of stats.slice(0, 3)) expect(value).toBeCloseTo(occurs ? 1 : -1, 12)
      }),
    )
  })

  test('the order of images is irrelevant where no two scores are equal', () => {
    fc.assert(
      fc.property(scenes, fc.nat(), (scenes, seed) => {
        const images = comparedOf(scenes, true)
        const { stats } = averagePrecision(panopticInstances(images, CATEGORIES))
        const other = averagePrecision(panopticInstances(shuffled(images, stream(seed, 'order')), CATEGORIES))
        expect(other.stats).toEqual(stats)
      }),
    )
  })

  test('AP out of joint histograms is that of the same masks in files', () => {
    fc.assert(
      fc.property(scenes, (scenes) => {
        const images = comparedOf(scenes, true)
        const quality = averagePrecision(panopticInstances(images, CATEGORIES))
        const [truth, detections] = write(...filesOf(scenes))
        expect(quality).toEqual(averagePrecision(readInstances(truth, detections, 'segm')))
      }),
      { numRuns: 40 },
    )
  })
})

describe('mistakes are named', () => {
  const image = { id: 7, height: 4, width: 5 }
  const truth = { id: 1, image_id: 7, category_id: 3, iscrowd: 0, area: 4, bbox: [0, 0, 2, 2], segmentation: [[0, 0, 2, 0, 2, 2, 0, 2]] } // prettier-ignore
  const detection = { image_id: 7, category_id: 3, score: 0.5, segmentation: { size: [4, 5], counts: 'd0' } }
  const gt = (...annotations: object[]) => ({ images: [image], annotations, categories: [{ id: 3, name: 'cup' }] })

  test.each([
    ['no detections', gt(truth), [], /dt\.json: the file is \[\]; expected at least one detection/],
    ['not a list', gt(truth), {}, /dt\.json: the file is \{\}; expected a list/],
    ['an unknown image', gt(truth), [detection, { ...detection, image_id: 8 }], /dt\.json: \[1\]\.image_id is 8, an image that .*gt\.json does not have/], // prettier-ignore
    ['no score', gt(truth), [{ ...detection, score: undefined }], /dt\.json: \[0\]\.score is missing; expected a finite number/], // prettier-ignore
    ['a score that is NaN', gt(truth), [{ ...detection, score: null }], /dt\.json: \[0\]\.score is null/],
    ['no area', gt({ ...truth, area: undefined }), [detection], /gt\.json: annotations\[0\] \(id 1\)\.area is missing/],
    ['no mask', gt(truth), [{ ...detection, segmentation: undefined }], /dt\.json: \[0\]\.segmentation is missing/],
    ['two annotations of one id', gt(truth, truth), [detection], /gt\.json: annotations\[0\] and annotations\[1\] \(id 1\) have one id/], // prettier-ignore
    ['runs that do not add up', gt(truth), [{ ...detection, segmentation: { size: [4, 5], counts: [7, 3] } }], /dt\.json: \[0\]\.segmentation: damaged RLE: its runs add up to 10 pixels; its size 4x5 makes 20/], // prettier-ignore
    ['a size that is none', gt(truth), [{ ...detection, segmentation: { size: [4], counts: 'd0' } }], /dt\.json: \[0\]\.segmentation\.size is \[4\]/], // prettier-ignore
    ['a polygon that would fill any memory', gt({ ...truth, segmentation: [Array.from({ length: 200 }, (_, i) => (i % 4 === 2 ? 1e6 : i / 100))] }), [detection], /segmentation\[0\] is .*; expected a polygon/], // prettier-ignore
    ['a box that would, too', gt(truth), [{ ...detection, segmentation: undefined, bbox: [0, 0, 1e300, 1] }], /bbox is \[0,0,1e\+300,1\]; expected a box no larger than an image/], // prettier-ignore
    ['a polygon of two points', gt({ ...truth, segmentation: [[0, 0, 2, 2]] }), [detection], /gt\.json: annotations\[0\] \(id 1\)\.segmentation\[0\] is \[0,0,2,2\]; expected a polygon/], // prettier-ignore
    ['no categories', { ...gt(truth), categories: [] }, [detection], /gt\.json: categories is \[\]; expected at least one/], // prettier-ignore
    ['a box of three numbers', gt(truth), [{ ...detection, bbox: [1, 2, 3] }], /dt\.json: \[0\]\.bbox is \[1,2,3\]; expected four/], // prettier-ignore
  ] as const)('%s', async (_, gt, dt, message) => {
    await expect(print(gt, dt, [])).rejects.toMatchObject({
      name: 'TuneError',
      code: 'data/invalid',
      message: expect.stringMatching(message),
      hint: expect.stringMatching(/\w+/),
    })
  })

  test('a missing file, and a missing option', async () => {
    const run = (argv: readonly string[]) => instancesCommand(() => {}).parseAsync(argv, { from: 'user' })
    await expect(run(['--gt', 'nowhere.json', '--pred', 'nowhere.json'])).rejects.toMatchObject({
      code: 'data/missing',
      message: 'nowhere.json: no such file',
    })
    await expect(run(['--gt', 'nowhere.json'])).rejects.toMatchObject({ code: 'usage' })
  })
})

test('the table names masks and boxes, spells sizes out, and says what was ignored', async () => {
  const { gt, dt } = cases[0]!
  const strays = [...(dt as object[]), { ...(dt as object[])[0], category_id: 999 }]
  const text = await print(gt, strays, ['--max-dets', '1,10,100', '--per-class'])
  for (const name of ['AP-m', 'AP-m-50', 'AP-m-75', 'AP-area-medium', 'AR-100']) {
    expect(text).toMatch(new RegExp(`^${name} +(-|\\d+\\.\\d)$`, 'm'))
  }
  expect(text).toMatch(/^1 detections of categories that the ground truth does not define are ignored$/m)
  expect(statNames('bbox', [1, 10, 100]).slice(0, 3)).toEqual(['AP-b', 'AP-b-50', 'AP-b-75'])
})

const [HEIGHT, WIDTH] = [9, 11]
const CATEGORIES: readonly Category[] = [
  { id: 5, name: 'cup', isThing: true },
  { id: 2, name: 'cell', isThing: true },
  { id: 9, name: 'sky', isThing: false },
]

/** A map of labels, and what is painted in each. */
interface Layer {
  readonly labels: Uint16Array
  readonly segments: readonly { category: number; isCrowd: boolean; score: number }[]
}

interface TestScene {
  readonly truth: Layer
  readonly prediction: Layer
}

/** A few images of rectangles; the prediction has most of them a pixel aside. No two scores are equal. */
function drawScenes(rng: Rng): readonly TestScene[] {
  return Array.from({ length: 1 + rng.below(4) }, () => {
    const boxes = Array.from({ length: rng.below(5) }, () => ({
      x: rng.below(WIDTH),
      y: rng.below(HEIGHT),
      width: 1 + rng.below(WIDTH),
      height: 1 + rng.below(HEIGHT),
      category: rng.below(3),
      isCrowd: rng.uniform() < 0.15,
    }))
    const moved = boxes.map((box) => {
      const category = rng.uniform() < 0.8 ? box.category : rng.below(3)
      return { ...box, category, x: box.x + rng.below(2), height: box.height + rng.below(2) }
    })
    return { truth: paint(boxes, rng), prediction: paint(moved, rng) }
  })
}

/** Later ones lie on top; one that is hidden is not listed. */
function paint(
  boxes: readonly { x: number; y: number; width: number; height: number; category: number; isCrowd: boolean }[],
  rng: Rng,
): Layer {
  const labels = new Uint16Array(HEIGHT * WIDTH)
  for (const [i, { x, y, width, height }] of boxes.entries()) {
    for (let row = y; row < Math.min(HEIGHT, y + height); row++) {
      labels.fill(i + 1, row * WIDTH + x, row * WIDTH + Math.min(WIDTH, x + width))
    }
  }
  const seen = [...new Set(labels)].filter((label) => label > 0)
  const segments = seen.map((label) => ({ ...boxes[label - 1]!, score: rng.uniform() }))
  return { labels: labels.map((label) => seen.indexOf(label) + 1), segments }
}

function comparedOf(scenes: readonly TestScene[], withCrowds: boolean) {
  return scenes.map(({ truth, prediction }) => ({
    joint: jointHistogram(truth.labels, prediction.labels, truth.segments.length, prediction.segments.length),
    truth: truth.segments.map(({ category, isCrowd }, i) => ({
      id: i + 1,
      category,
      isCrowd: isCrowd && withCrowds,
      area: areaIn(truth, i + 1),
    })),
    prediction: prediction.segments,
  }))
}

/** The things of both sides as COCO writes them. */
function filesOf(scenes: readonly TestScene[]): [gt: object, dt: object] {
  const instances = (layer: Layer, image_id: number) =>
    layer.segments.flatMap(({ category, isCrowd, score }, i) => {
      if (!CATEGORIES[category]!.isThing) return []
      const mask = layer.labels.map((label) => Number(label === i + 1))
      const segmentation = { size: [HEIGHT, WIDTH], counts: stringOf(rleFromPixels(mask, HEIGHT, WIDTH)) }
      const area = areaIn(layer, i + 1)
      return [{ image_id, category_id: CATEGORIES[category]!.id, iscrowd: Number(isCrowd), area, score, segmentation }]
    })
  const annotations = scenes.flatMap(({ truth }, i) => instances(truth, i)).map((each, i) => ({ ...each, id: i + 1 }))
  const detections = scenes.flatMap(({ prediction }, i) => instances(prediction, i))
  // Without a detection there is no result file; one of a category that is ignored changes nothing.
  const stray = { image_id: 0, category_id: 999, score: 0, segmentation: { size: [HEIGHT, WIDTH], counts: [99] } }
  const images = scenes.map((_, id) => ({ id, height: HEIGHT, width: WIDTH }))
  const categories = CATEGORIES.filter(({ isThing }) => isThing).map(({ id, name }) => ({ id, name }))
  return [{ images, annotations, categories }, [stray, ...detections]]
}

function areaIn({ labels }: Layer, label: number): number {
  return labels.filter((each) => each === label).length
}

function write(gt: object, dt: object): [truth: string, detections: string] {
  const dir = temporaryDir()
  const files: [string, string] = [join(dir, 'gt.json'), join(dir, 'dt.json')]
  for (const [i, json] of [gt, dt].entries()) writeFileSync(files[i]!, JSON.stringify(json))
  return files
}

/** What the command prints, which is what users run. */
async function print(gt: object, dt: object, options: readonly string[]): Promise<string> {
  const [truth, detections] = write(gt, dt)
  const printed: string[] = []
  const argv = ['--gt', truth, '--pred', detections, ...options]
  await instancesCommand((text) => printed.push(text)).parseAsync(argv, { from: 'user' })
  return printed.join('')
}

function rounded(values: readonly number[]): number[] {
  return values.map((value) => Math.round(value * 1e9) / 1e9)
}
