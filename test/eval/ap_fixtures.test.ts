import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { instancesCommand } from '../../src/cli/eval_instances.ts'
import type { InstanceQuality } from '../../src/eval/ap.ts'
import { IOU_THRESHOLDS } from '../../src/eval/ap_match.ts'

const FIXTURES = join('..', 'shared', 'fixtures', 'ap')
const cases = (existsSync(FIXTURES) ? readdirSync(FIXTURES).toSorted() : []).flatMap((name) => {
  const expected: Readonly<Record<string, ExpectedCase>> = JSON.parse(
    readFileSync(join(FIXTURES, name, 'expected.json'), 'utf8'),
  )
  return Object.entries(expected).map(([iou, quality]) => ({ name, iou, quality }))
})
if (cases.length === 0) console.warn(`${FIXTURES} is absent: AP is not compared with pycocotools' fixtures`)

type ExpectedCase = InstanceQuality & { readonly error?: { readonly type: string } }

describe.skipIf(cases.length === 0)('the fixtures of pycocotools', () => {
  test.each(cases.filter(({ quality }) => !quality.error))('$name, $iou agrees within 1e-9', async (fixture) => {
    const { name, iou, quality: expected } = fixture
    const quality = await evaluate(join(FIXTURES, name), iou)
    expect(quality.stats).toHaveLength(12)
    for (const [i, value] of expected.stats.entries()) expect(Math.abs(quality.stats[i]! - value)).toBeLessThan(1e-9)
    expect(Object.keys(quality.per_category)).toEqual(Object.keys(expected.per_category))
    for (const [id, scores] of Object.entries(expected.per_category)) {
      const own = quality.per_category[id]!
      expect(Object.keys(own)).toEqual(Object.keys(scores))
      for (const key of ['AP', 'AP50', 'AP75', 'AR'] as const) {
        expect(Math.abs(own[key] - scores[key])).toBeLessThan(1e-9)
      }
    }
  })

  test.each(cases.filter(({ quality }) => quality.error))(
    '$name, $iou is an error that names the image',
    async ({ name, iou }) => {
      // prettier-ignore
      await expect(evaluate(join(FIXTURES, name), iou)).rejects.toMatchObject({
      name: 'TuneError',
      code: 'data/invalid',
      message: expect.stringMatching(/dt\.json: \[\d+\]\.image_id is \d+, an image that .*gt\.json does not have/),
      hint: expect.stringMatching(/\w+/),
    })
    },
  )
})

test("the thresholds are numpy's to the bit", () => {
  expect(IOU_THRESHOLDS).toEqual([0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.8999999999999999, 0.95])
})

/** Scores `gt.json` and `dt.json` of a folder through the command, which is what users run. */
async function evaluate(dir: string, iou: string): Promise<InstanceQuality> {
  const printed: string[] = []
  const argv = ['--gt', join(dir, 'gt.json'), '--pred', join(dir, 'dt.json'), '--iou', iou, '--json']
  await instancesCommand((text) => printed.push(text)).parseAsync(argv, { from: 'user' })
  const quality: InstanceQuality = JSON.parse(printed.join(''))
  return quality
}
