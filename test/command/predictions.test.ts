import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { runCommand } from '../../src/command/run_command.ts'
import { scoreWritten } from '../../src/command/predictions.ts'
import { writeShapes } from '../../src/data/shapes.ts'
import { loadCounts } from '../../src/eval/counts_file.ts'
import type { EvalSet } from '../../src/eval/eval_set.ts'
import { openEvalSet } from '../../src/eval/open_eval_set.ts'
import { scoreFiles } from '../../src/eval/panoptic_files.ts'
import { emptyCounts, merge, panopticQuality } from '../../src/eval/pq.ts'
import { writePredictions } from '../../src/eval/prediction_file.ts'
import { countsFile } from '../../src/models/train.ts'
import { maximize } from '../../src/study.ts'
import { sharedTemporaryDir, temporaryDir } from '../temporary.ts'

const data = sharedTemporaryDir()
const forever = new AbortController().signal
let truth: EvalSet
beforeAll(async () => {
  await writeShapes(data, { size: 32, train: 4, val: 4, heldout: 4 })
  truth = await openEvalSet({ json: join(data, 'panoptic_val.json'), pngDir: join(data, 'panoptic_val') })
})

/** A trial's directory whose `val.json` and `val/` predict what is true, but for the first image: that of the second. */
function writtenPredictions(): string {
  const dir = temporaryDir()
  cpSync(join(data, 'panoptic_val'), join(dir, 'val'), { recursive: true })
  const json = JSON.parse(readFileSync(join(data, 'panoptic_val.json'), 'utf8')) as { annotations: object[] }
  const [first, second, ...others] = json.annotations as { readonly image_id: number }[]
  const annotations = [{ ...second, image_id: first?.image_id }, second, ...others]
  writeFileSync(join(dir, 'val.json'), JSON.stringify({ annotations }))
  return dir
}

/** One that nobody writes to: to read it would take for ever. */
function makePipe(file: string): void {
  execFileSync('sh', ['-c', 'mkfifo "$0"', file])
}

describe('predictions that a program wrote', () => {
  test('are scored as `tune eval` scores them, and what each image adds is kept', async () => {
    const dir = writtenPredictions()
    const scores = await scoreWritten(dir, 'val.json', truth, forever)
    const files = { truthJson: join(data, 'panoptic_val.json'), truthDir: join(data, 'panoptic_val') }
    const { categories, images } = await scoreFiles({ ...files, predictionJson: join(dir, 'val.json'), predictionDir: join(dir, 'val') }) // prettier-ignore
    const { All } = panopticQuality(images.map(({ counts }) => counts).reduce(merge, emptyCounts(categories)), categories) // prettier-ignore
    expect(scores).toMatchObject({ pq: 100 * All.pq!, sq: 100 * All.sq!, rq: 100 * All.rq! })
    expect(scores.pq).toBeLessThan(100)
    expect(scores.pq_se).toBeGreaterThan(0)
    expect(loadCounts(countsFile(dir, 'val'))).toMatchObject({ set: truth.id, imageIds: truth.images.map(({ imageId }) => imageId) }) // prettier-ignore
  })

  test('may be a file of runs', async () => {
    const dir = temporaryDir()
    const categories = truth.categories.map(({ id }) => id)
    const perfect = truth.images.map(({ imageId, runs, segments }) => {
      return {
        imageId,
        runs,
        segments: segments.map(({ id, category }) => ({ id, categoryId: categories[category]! })),
      }
    })
    writePredictions(join(dir, 'val.runs'), perfect)
    expect(await scoreWritten(dir, 'val.runs', truth, forever)).toMatchObject({ pq: 100, sq: 100, rq: 100 })
  })

  test('may lie in a directory that is reached by a link', async () => {
    const link = join(temporaryDir(), '0001')
    symlinkSync(writtenPredictions(), link)
    expect((await scoreWritten(link, 'val.json', truth, forever)).pq).toBeLessThan(100)
  })

  test('make a line a report, to which their scores are added', async () => {
    const dir = writtenPredictions()
    const run = {
      argv: ['echo', '{"predictions": "val.json", "loss": 2}'] as const,
      params: {},
      truth,
      trial: {
        number: 0,
        goals: [maximize('pq')],
        seed: 0,
        device: { kind: 'cpu', index: 0, threads: 1 } as const,
        signal: forever,
        maxSteps: 1,
        dir,
        reported: 0,
        settings: {},
        data: undefined,
      },
    }
    const scores = await scoreWritten(dir, 'val.json', truth, forever)
    for await (const report of runCommand(run)) expect(report).toEqual({ loss: 2, ...scores })
  })

  test.each<[string, unknown, string, (dir: string) => void]>([
    ['an absolute path', join(data, 'panoptic_val.json'), "leads out of the trial's directory", () => {}],
    ['a path with dots', '../val.json', "leads out of the trial's directory", () => {}],
    ['a path with dots inside', 'val/../../val.json', "leads out of the trial's directory", () => {}],
    ['no path', 3, "'predictions' is 3, no path", () => {}],
    ['a missing file', 'other.json', 'there is no file other.json', () => {}],
    ['a directory', 'val', 'val in .* is no file', () => {}],
    ['a named pipe', 'pipe', 'pipe in .* is no file', (dir) => makePipe(join(dir, 'pipe'))],
    [
      'a link to elsewhere',
      'link.json',
      "link.json leads out of the trial's directory",
      (dir) => symlinkSync(join(data, 'panoptic_val.json'), join(dir, 'link.json')),
    ],
    [
      'a link to nowhere',
      'link.json',
      'a link that leads nowhere',
      (dir) => symlinkSync('gone', join(dir, 'link.json')),
    ],
    [
      'a directory that is a link to elsewhere',
      'val.json',
      "val/.*png leads out of the trial's directory",
      (dir) => {
        rmSync(join(dir, 'val'), { recursive: true })
        symlinkSync(join(data, 'panoptic_val'), join(dir, 'val'))
      },
    ],
    [
      'a label PNG that is a pipe',
      'val.json',
      'png in .* is no file',
      (dir) => {
        const [png = ''] = readdirSync(join(dir, 'val')).toSorted().slice(1)
        rmSync(join(dir, 'val', png))
        makePipe(join(dir, 'val', png))
      },
    ],
    [
      'a PNG named by dots',
      'val.json',
      'a relative path that stays inside its directory',
      (dir) => {
        const json = readFileSync(join(dir, 'val.json'), 'utf8')
        writeFileSync(join(dir, 'val.json'), json.replace(/"file_name":"/, '"file_name":"../../'))
      },
    ],
    ['no JSON', 'val.json', 'not JSON', (dir) => writeFileSync(join(dir, 'val.json'), '{')],
    ['too few images', 'val.json', 'has no prediction in', (dir) => writeFileSync(join(dir, 'val.json'), '{"annotations": []}')], // prettier-ignore
  ])('are refused by name: %s', async (_, path, message, change) => {
    const parent = temporaryDir()
    const dir = join(parent, '0001')
    mkdirSync(dir)
    cpSync(writtenPredictions(), dir, { recursive: true })
    change(dir)
    await expect(scoreWritten(dir, path, truth, forever)).rejects.toMatchObject({
      code: 'data/invalid',
      message: expect.stringMatching(message),
    })
  })
})
