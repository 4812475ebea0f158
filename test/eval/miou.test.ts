import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { semanticCommand } from '../../src/cli/eval_semantic.ts'
import { countLabels, countSegmentClasses, emptyConfusion, mergeConfusions, semanticQuality, type Confusion, type SemanticQuality } from '../../src/eval/miou.ts' // prettier-ignore
import { jointHistogram } from '../../src/eval/segments.ts'
import { filterRows, rawPng } from '../data/raw_png.ts'
import { temporaryDir } from '../temporary.ts'

const FIXTURES = join('..', 'shared', 'fixtures', 'miou')
const cases = existsSync(FIXTURES) ? readdirSync(FIXTURES).toSorted() : []
if (cases.length === 0) console.warn(`${FIXTURES} is absent: mIoU is not compared with its fixtures`)

interface Case {
  readonly num_classes: number
  readonly ignore_label: number
  readonly height: number
  readonly width: number
  readonly images: number
}

describe.skipIf(cases.length === 0)('the fixtures of detectron2 and Panoptic-DeepLab', () => {
  test.each(cases)('%s agrees within 1e-9 through PNGs', async (name) => {
    const dir = join(FIXTURES, name)
    const { num_classes, ignore_label, height, width, images }: Case = JSON.parse(readFileSync(join(dir, 'case.json'), 'utf8')) // prettier-ignore
    const expected: SemanticQuality = JSON.parse(readFileSync(join(dir, 'expected.json'), 'utf8'))
    const to = temporaryDir()
    for (const side of ['gt', 'pred']) {
      mkdirSync(join(to, side))
      for (let i = 0; i < images; i++) {
        const labels = readFileSync(join(dir, `${i}.${side}.u8`))
        writeFileSync(join(to, side, `${i}.png`), grayPng(labels, width, height))
      }
    }
    const quality = await evaluate(to, ['--classes', String(num_classes), '--ignore', String(ignore_label)])
    for (const key of ['mIoU', 'fwIoU', 'mACC', 'pACC'] as const) {
      expect(quality.detectron2[key]).toBeCloseTo(expected.detectron2[key]!, 12)
    }
    expect(quality.panoptic_deeplab.mIoU).toBeCloseTo(expected.panoptic_deeplab.mIoU!, 12)
    const rounded = (ious: readonly (number | null)[]) => ious.map((iou) => iou && Number(iou.toFixed(12)))
    expect(rounded(quality.per_class_iou)).toEqual(rounded(expected.per_class_iou))
    expect(quality.confusion).toEqual(expected.confusion)
  })
})

const CLASSES = 3
const IGNORE = 255

/** Two maps of labels for a few pixels; the label above the classes is the ignored one. */
const pairs = fc.integer({ min: 1, max: 60 }).chain((length) => {
  const labels = fc.array(fc.nat(CLASSES), { minLength: length, maxLength: length })
  return fc.record({ truth: labels, prediction: labels })
})

test('runs count as pixels do, one by one', () => {
  fc.assert(
    fc.property(pairs, ({ truth, prediction }) => {
      const expected = emptyConfusion(CLASSES)
      for (const [i, t] of truth.entries()) expected.pixels[prediction[i]! * (CLASSES + 1) + t]! += 1
      expect(confusionOf(truth, prediction)).toEqual(expected)
    }),
  )
})

test('the confusion of two images is the sum of both, in any order', () => {
  fc.assert(
    fc.property(pairs, pairs, (a, b) => {
      const together = confusionOf([...a.truth, ...b.truth], [...a.prediction, ...b.prediction])
      const [first, second] = [confusionOf(a.truth, a.prediction), confusionOf(b.truth, b.prediction)]
      expect(mergeConfusions(first, second)).toEqual(together)
      expect(mergeConfusions(second, first)).toEqual(together)
    }),
  )
})

test('the roll-up of the joint histogram of segments is the confusion of their classes', () => {
  const segments = fc.array(fc.integer({ min: -1, max: CLASSES - 1 }), { minLength: 5, maxLength: 5 })
  const cases = fc.integer({ min: 1, max: 80 }).chain((length) => {
    // Label 0 is void, 6 and more are not listed.
    const labels = fc.array(fc.nat(7), { minLength: length, maxLength: length })
    return fc.record({ truth: labels, prediction: labels, truthClasses: segments, predictedClasses: segments })
  })
  fc.assert(
    fc.property(cases, ({ truth, prediction, truthClasses, predictedClasses }) => {
      const known = predictedClasses.map(Math.abs)
      const joint = jointHistogram(Uint16Array.from(truth), Uint16Array.from(prediction), 5, 5)
      const rolled = emptyConfusion(CLASSES)
      const listed = (classes: readonly number[]) => classes.map((category) => ({ category }))
      countSegmentClasses(joint, listed(truthClasses), listed(known), rolled)
      const classOf = (label: number, classes: readonly number[]) => {
        const index = classes[label - 1] ?? -1
        return index < 0 ? CLASSES : index
      }
      const expected = confusionOf(
        truth.map((label) => classOf(label, truthClasses)),
        prediction.map((label) => classOf(label, known)),
      )
      expect(rolled).toEqual(expected)
    }),
  )
})

test('a prediction that equals the ground truth has mIoU 1 by both conventions', () => {
  fc.assert(
    fc.property(pairs, ({ truth }) => {
      const { detectron2, panoptic_deeplab: deeplab } = semanticQuality(confusionOf(truth, truth))
      const expected = truth.every((label) => label === CLASSES) ? null : 1
      expect([detectron2.mIoU, detectron2.mACC, detectron2.pACC, deeplab.mIoU]).toEqual(Array(4).fill(expected))
    }),
  )
})

test('a class that is only predicted counts as 0 by one convention alone', () => {
  const {
    detectron2,
    panoptic_deeplab: deeplab,
    per_class_iou: ious,
  } = semanticQuality(confusionOf([0, 0, 0, 0], [0, 0, 0, 1]))
  expect(detectron2.mIoU).toBe(0.75)
  expect(deeplab.mIoU).toBe(0.375)
  expect(ious).toEqual([0.75, null, null])
})

test('pixels that are predicted as ignored are left out, and counted', () => {
  const { detectron2, unpredicted_pixels: pixels } = semanticQuality(confusionOf([0, 0, 1, 3], [0, 3, 1, 3]))
  expect(detectron2.mIoU).toBe(1)
  expect(pixels).toBe(1)
})

describe('mistakes are named', () => {
  const gray = (label: number) => grayPng(Uint8Array.of(0, label), 2, 1)
  test.each([
    ['a label beyond the classes', { 'pred/a.png': gray(7) }, /pred.a\.png: pixel 1 has label 7; there are 3 classes/],
    ['a missing prediction', { 'gt/b.png': gray(1) }, /gt.b\.png has no prediction: .*pred.b\.png is not there/],
    ['another size', { 'pred/a.png': grayPng(Uint8Array.of(0, 1), 1, 2) }, /pred.a\.png is 1x2 pixels, .*gt.a\.png is 2x1/], // prettier-ignore
    ['what is no PNG', { 'gt/a.png': Buffer.from('GIF89a') }, /gt.a\.png: not a PNG file/],
    ['a colour PNG', { 'pred/a.png': rawPng({ width: 2, height: 1, raw: new Uint8Array(7) }) }, /pred.a\.png: a RGB PNG; class labels need a grayscale PNG/], // prettier-ignore
  ] as const)('%s', async (_, files, message) => {
    const dir = temporaryDir()
    for (const side of ['gt', 'pred']) mkdirSync(join(dir, side))
    for (const [file, png] of Object.entries({ 'gt/a.png': gray(1), 'pred/a.png': gray(1), ...files })) {
      writeFileSync(join(dir, file), png)
    }
    await expect(evaluate(dir, ['--classes', '3'])).rejects.toMatchObject({
      name: 'TuneError',
      code: 'data/invalid',
      message: expect.stringMatching(message),
    })
  })
})

test('the table names both conventions', async () => {
  const dir = temporaryDir()
  for (const side of ['gt', 'pred']) {
    mkdirSync(join(dir, side, 'city'), { recursive: true })
    writeFileSync(join(dir, side, 'city', 'a.png'), grayPng(Uint8Array.of(0, 0, 1, IGNORE), 2, 2))
  }
  const text = await print(dir, ['--classes', '2', '--per-class'])
  expect(text).toMatch(/^convention +mIoU +fwIoU +mACC +pACC$/m)
  expect(text).toMatch(/^detectron2.* 100\.0 +100\.0 +100\.0 +100\.0$/m)
  expect(text).toMatch(/^Panoptic-DeepLab.* 100\.0$/m)
  expect(text).toMatch(/^1 +100\.0$/m)
})

function confusionOf(truth: readonly number[], prediction: readonly number[]): Confusion {
  const map = (labels: readonly number[], name: string) => ({
    labels: Uint8Array.from(labels, (label) => (label === CLASSES ? IGNORE : label)),
    name,
  })
  const confusion = emptyConfusion(CLASSES)
  countLabels(map(truth, 'truth'), map(prediction, 'prediction'), IGNORE, confusion)
  return confusion
}

function grayPng(labels: Uint8Array, width: number, height: number): Uint8Array {
  const filters = Array.from({ length: height }, (_, y) => y % 5)
  return rawPng({ width, height, type: 0, raw: filterRows(labels, width, 1, filters) })
}

async function evaluate(dir: string, options: readonly string[]): Promise<SemanticQuality> {
  const quality: SemanticQuality = JSON.parse(await print(dir, [...options, '--json']))
  return quality
}

/** What the command prints, which is what users run. */
async function print(dir: string, options: readonly string[]): Promise<string> {
  const printed: string[] = []
  const argv = ['--gt', join(dir, 'gt'), '--pred', join(dir, 'pred'), ...options]
  await semanticCommand((text) => printed.push(text)).parseAsync(argv, { from: 'user' })
  return printed.join('')
}
