import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { evalCommand } from '../../src/cli/eval.ts'
import { scoreFiles, type PanopticFiles } from '../../src/eval/panoptic_files.ts'
import { emptyCounts, merge, panopticQuality, type PanopticQuality } from '../../src/eval/pq.ts'
import { temporaryDir } from '../temporary.ts'

const FIXTURES = join('..', 'shared', 'fixtures', 'pq')
const SAMPLES = join('..', 'shared', 'data', 'pq_samples')
const SPLITS = ['All', 'Things', 'Stuff'] as const

type Scores = Readonly<Record<string, Readonly<Record<string, number>>>>

const cases = existsSync(FIXTURES) ? readdirSync(FIXTURES).toSorted() : []
if (cases.length === 0) console.warn(`${FIXTURES} is absent: PQ is not compared with panopticapi's fixtures`)

describe.skipIf(cases.length === 0)('the fixtures of panopticapi', () => {
  test.each(cases.filter((name) => !name.startsWith('e')))('%s agrees within 1e-9', async (name) => {
    const quality = await evaluate(join(FIXTURES, name))
    const expected: ExpectedCase = JSON.parse(readFileSync(join(FIXTURES, name, 'expected.json'), 'utf8'))
    for (const split of SPLITS) expect(distance(quality[split], expected[split])).toBeLessThan(1e-9)
    expect(Object.keys(quality.per_class)).toEqual(Object.keys(expected.per_class))
    for (const [id, scores] of Object.entries(expected.per_class)) {
      expect(Object.keys(quality.per_class[id] ?? {}).toSorted()).toEqual(Object.keys(scores).toSorted())
      expect(distance(quality.per_class[id], scores)).toBeLessThan(1e-9)
    }
  })

  test.each(['plain', 'simd'] as const)(
    'all agree to the last bit by %s code, with and without a cache',
    async (kernel) => {
      for (const name of cases.filter((name) => !/^e[1-5]/.test(name))) {
        const [dir, cacheDir] = [join(FIXTURES, name), temporaryDir()]
        for (const options of [{ kernel }, { kernel, cacheDir }, { kernel, cacheDir }]) {
          const { categories, images } = await scoreFiles(filesOf(dir), options)
          const total = images.map(({ counts }) => counts).reduce(merge, emptyCounts(categories))
          expect(JSON.parse(JSON.stringify(panopticQuality(total, categories)))).toEqual(await evaluate(dir))
        }
      }
    },
  )

  test.each([
    ['e1_unknown_category', /^image 1: segment 9710564 of .*pred\.json has category 9999/],
    ['e2_png_id_not_in_json', /^image 1: segment 6362101 has pixels in .*\.png but is not listed/],
    ['e3_json_id_not_in_png', /^image 1: .*pred\.json lists segment 424242, which has no pixel/],
    ['e4_missing_prediction', /^image 2 has no prediction in .*pred\.json/],
    ['e5_size_mismatch', /^image 1: .*\.png is 64x40 pixels, .*\.png is 64x48/],
  ])('%s is an error that names the image and what is wrong with it', async (name, message) => {
    await expect(evaluate(join(FIXTURES, name))).rejects.toMatchObject({
      name: 'TuneError',
      code: 'data/invalid',
      message: expect.stringMatching(message),
      hint: expect.stringMatching(/\w+/),
    })
  })

  test('e6_no_stuff keeps the splits that panopticapi loses to a division by zero', async () => {
    const { partial }: { partial: PanopticQuality } = JSON.parse(
      readFileSync(join(FIXTURES, 'e6_no_stuff', 'expected.json'), 'utf8'),
    )
    const quality = await evaluate(join(FIXTURES, 'e6_no_stuff'))
    expect(quality.All).toEqual(partial.All)
    expect(quality.Things).toEqual(partial.Things)
    expect(quality.Stuff).toEqual({ pq: null, sq: null, rq: null, n: 0 })
  })
})

if (!existsSync(SAMPLES)) console.warn(`${SAMPLES} is absent: PQ is not compared with published values`)

describe.skipIf(!existsSync(SAMPLES))('scores that others published', () => {
  test.each(['bdd100k_two', 'deeplab2_team'])('%s has the PQ of panopticapi', async (name) => {
    const file: PublishedCase = JSON.parse(readFileSync(join(SAMPLES, name, 'expected.json'), 'utf8'))
    const { summary, per_class: perClass } = file.panopticapi_on_these_files
    const quality = await evaluate(join(SAMPLES, name))
    // deeplab2's image has no stuff, for which panopticapi has no value.
    for (const split of SPLITS.filter((split) => quality[split].n > 0)) {
      expect(distance(quality[split], summary[split])).toBeLessThan(1e-9)
    }
    for (const split of SPLITS) expect(quality[split].n).toBe(summary[split]?.['n'] ?? 0)
    for (const [id, scores] of Object.entries(perClass)) {
      expect(distance(quality.per_class[id], scores)).toBeLessThan(1e-9)
    }
  })

  test('the BDD100K images differ from the published PQ by their void pixels alone', async () => {
    const quality = await evaluate(join(SAMPLES, 'bdd100k_two'))
    // BDD leaves void in the union, COCO takes it out: 66.4628 against 66.4630.
    expect(quality.All.pq).toBeCloseTo(0.664_627_887_9, 5)
    expect(quality.All.n).toBe(17)
  })

  test('the image of deeplab2 has its published PQ', async () => {
    const quality = await evaluate(join(SAMPLES, 'deeplab2_team'))
    expect(quality.All.pq).toBeCloseTo(0.621_562_84, 6)
    expect(quality.All.sq).toBeCloseTo(0.646_649_84, 6)
    expect(quality.All.rq).toBeCloseTo(0.966_666_7, 6)
  })

  test('68 photographs of COCO with a damaged prediction have the PQ that panopticapi gives them', async () => {
    const [truth, prediction] = [join(SAMPLES, '..', 'coco200', 'panoptic_val'), join(SAMPLES, 'perturbed_coco200_val')]
    const quality = await score(`${truth}.json`, truth, join(prediction, 'pred.json'), join(prediction, 'pred'))
    // By pq_compute_single_core @ 7bb4655 (numpy 1.26, Pillow) on the 68 images that are left of the 100.
    expect(distance(quality.All, { pq: 0.3214687115826811, sq: 0.5209153705434028, rq: 0.4247602291189235, n: 126 })).toBeLessThan(1e-9) // prettier-ignore
    expect(quality.Things.pq).toBeCloseTo(0.24317500394197222, 9)
    expect(quality.Stuff.pq).toBeCloseTo(0.44450168073236634, 9)
  })
})

interface PublishedCase {
  readonly panopticapi_on_these_files: { readonly summary: Scores; readonly per_class: Scores }
}

interface ExpectedCase extends Record<(typeof SPLITS)[number], Readonly<Record<string, number>>> {
  readonly per_class: Scores
}

/** Scores `gt.json` and `pred.json` of a folder. */
function evaluate(dir: string): Promise<PanopticQuality> {
  const { truthJson, truthDir, predictionJson, predictionDir } = filesOf(dir)
  return score(truthJson, truthDir, predictionJson, predictionDir)
}

function filesOf(dir: string): PanopticFiles {
  const file = join(dir, 'case.json')
  const config: { gt_folder?: string; pred_folder?: string } = existsSync(file)
    ? JSON.parse(readFileSync(file, 'utf8'))
    : {}
  const { gt_folder: gtDir = 'gt', pred_folder: predDir = 'pred' } = config
  return {
    truthJson: join(dir, 'gt.json'),
    truthDir: join(dir, gtDir),
    predictionJson: join(dir, 'pred.json'),
    predictionDir: join(dir, predDir),
  }
}

/** Scores through the command, which is what users run. */
async function score(gt: string, gtDir: string, pred: string, predDir: string): Promise<PanopticQuality> {
  const printed: string[] = []
  const argv = ['panoptic', '--gt', gt, '--gt-dir', gtDir, '--pred', pred, '--pred-dir', predDir, '--json']
  await evalCommand((text) => printed.push(text)).parseAsync(argv, { from: 'user' })
  const quality: PanopticQuality = JSON.parse(printed.join(''))
  return quality
}

/** The largest difference of the expected fields; infinite where one is missing. */
function distance(actual: object | undefined, expected: Readonly<Record<string, number>> | undefined): number {
  const values: [string, number | null][] = Object.entries(actual ?? {})
  const differences = Object.entries(expected ?? { missing: Number.NaN }).map(([key, value]) => {
    const found = values.find(([name]) => name === key)?.[1]
    return Math.abs((found ?? Number.NaN) - value)
  })
  return differences.some(Number.isNaN) ? Infinity : Math.max(...differences)
}
