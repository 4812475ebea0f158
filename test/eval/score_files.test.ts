import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build } from 'esbuild'
import { beforeAll, describe, expect, test } from 'vitest'
import { decodeIdRuns } from '../../src/data/png_runs.ts'
import { openEvalSet } from '../../src/eval/open_eval_set.ts'
import { scoreFiles } from '../../src/eval/panoptic_files.ts'
import { readPredictions } from '../../src/eval/panoptic_json.ts'
import { openPredictions, writePredictions, type PredictionRuns } from '../../src/eval/prediction_file.ts'
import { labelRuns, toLabels } from '../../src/eval/run_map.ts'
import { scoreRuns } from '../../src/eval/score_runs.ts'
import { temporaryDir } from '../temporary.ts'
import { writePanoptic, type PanopticDir } from './panoptic_dir.ts'

const SIZE = { width: 24, height: 17 }
const worker = new URL('../../node_modules/.cache/panoptune-test/score_worker.mjs', import.meta.url)

// Threads run JavaScript.
beforeAll(async () => {
  await build({ entryPoints: ['src/eval/score_worker.ts'], outfile: worker.pathname, bundle: true, platform: 'node', format: 'esm', packages: 'external' }) // prettier-ignore
})

describe('the same predictions have the same counts to the last bit', () => {
  test.each(['plain', 'simd'] as const)('%s: with and without a cache, by one thread or two', async (kernel) => {
    const dir = temporaryDir()
    const files = writePanoptic(dir, 70, SIZE)
    const cacheDir = join(dir, 'cache')
    const expected = await scoreFiles(files, { kernel })
    expect(await scoreFiles(files, { kernel: 'plain' })).toEqual(expected)
    for (const workers of [1, 2]) {
      expect(await scoreFiles(files, { kernel, workers, worker })).toEqual(expected)
      expect(await scoreFiles(files, { kernel, workers, worker, cacheDir })).toEqual(expected)
      expect(await scoreFiles(files, { kernel, workers, worker, cacheDir })).toEqual(expected)
    }
    expect(expected.images.length).toBe(70)
    expect(expected.images.reduce((sum, { counts }) => sum + counts.fp[0]! + counts.fn[1]!, 0)).toBeGreaterThan(10)
  })

  test('as PNGs, as a file of runs, and in memory as labels or runs', async () => {
    const dir = temporaryDir()
    const files = writePanoptic(dir, 12, SIZE)
    const expected = await scoreFiles(files)
    const predictionJson = join(dir, 'pred.runs')
    const predictions = predictionsOf(files)
    writePredictions(predictionJson, predictions)
    expect(await scoreFiles({ ...files, predictionJson })).toEqual(expected)
    expect(await scoreFiles({ ...files, predictionJson }, { kernel: 'plain', cacheDir: join(dir, 'cache') })).toEqual(expected) // prettier-ignore

    const set = await openEvalSet({ json: files.truthJson, pngDir: files.truthDir })
    for (const [i, { runs, segments }] of predictions.entries()) {
      const inMemory = segments.map(({ categoryId }) => ({ category: set.categories.findIndex(({ id }) => id === categoryId) })) // prettier-ignore
      for (const kernel of ['plain', 'simd'] as const) {
        expect(scoreRuns(set, i, { runs, segments: inMemory }, { kernel })).toEqual(expected.images[i]!.counts)
        expect(scoreRuns(set, i, { labels: toLabels(runs), segments: inMemory }, { kernel })).toEqual(expected.images[i]!.counts) // prettier-ignore
      }
    }
  })

  test('from Python, packed and wide (skipped where numpy is missing)', async (context) => {
    const python = process.env['PYTHON'] ?? 'python3'
    if (spawnSync(python, ['-c', 'import numpy']).status !== 0) context.skip('no python3 with numpy')
    const dir = temporaryDir()
    const files = writePanoptic(dir, 5, SIZE)
    const images = predictionsOf(files).map(({ imageId, runs, segments }) => ({
      image_id: imageId,
      shape: [runs.height, runs.width],
      ids: Array.from(toLabels(runs), (label) => segments[label - 1]?.id ?? 0),
      segments_info: segments.map(({ id, categoryId }) => ({ id, category_id: categoryId })).toReversed(),
    }))
    const many = Array.from({ length: 301 }, (_, i) => i)
    const segments = many.slice(1).map((id) => ({ id, category_id: 2 }))
    const wide = { image_id: 9, shape: [7, 43], ids: many, segments_info: segments }
    writeFileSync(join(dir, 'images.json'), JSON.stringify([...images, wide]))
    const predictionJson = join(dir, 'python.runs')
    const script = `
import json, numpy, sys
sys.path.insert(0, 'python')
from panoptune_runs import RunWriter
with RunWriter(sys.argv[2]) as out:
    for image in json.load(open(sys.argv[1])):
        out.add(image['image_id'], numpy.array(image['ids'], numpy.int32).reshape(image['shape']), image['segments_info'])
try:
    with RunWriter(sys.argv[2] + '.bad') as out:
        out.add(1, numpy.array([[1, 7]]), [{'id': 1, 'category_id': 1}])
except ValueError as error:
    print(error)
`
    const ran = spawnSync(python, ['-c', script, join(dir, 'images.json'), predictionJson], { encoding: 'utf8' })
    expect(ran).toMatchObject({ status: 0, stderr: '', stdout: 'image 1: segment 7 has pixels but is not listed in segments_info\n' }) // prettier-ignore
    expect(existsSync(`${predictionJson}.bad`)).toBe(false)
    expect(await scoreFiles({ ...files, predictionJson })).toEqual(await scoreFiles(files))
    const map = openPredictions(predictionJson).images.get(9)!.map
    expect(map).toMatchObject({ kind: 'wide', width: 43, height: 7 })
    expect('levels' in map && [...toLabels(map)]).toEqual(many)
  })
})

describe('files of runs', () => {
  test('keep packed and wide runs, and put segments in the order of ids', () => {
    const file = join(temporaryDir(), 'a.runs')
    const wideIds = Uint32Array.from({ length: 301 }, (_, i) => i)
    const ids = { width: 301, height: 1, ends: wideIds.map((id) => id + 1), ids: wideIds }
    const segments = Array.from({ length: 300 }, (_, i) => ({ id: 300 - i, categoryId: i }))
    writePredictions(file, [
      { imageId: 1, runs: labelRuns(ids, segments), segments },
      { imageId: 'b', runs: labelRuns({ ...ids, ends: Uint32Array.of(301), ids: Uint32Array.of(4) }, [{ id: 4 }]), segments: [{ id: 4, categoryId: 7 }] }, // prettier-ignore
    ])
    const { images } = openPredictions(file)
    expect(images.get(1)!.segments[0]).toEqual({ id: 1, categoryId: 299 })
    expect([...labelsOf(images.get(1)!.map)]).toEqual([...wideIds])
    expect(images.get('b')).toMatchObject({ segments: [{ id: 4, categoryId: 7 }], map: { kind: 'packed', runs: Uint32Array.of(301 * 256 + 1) } }) // prettier-ignore
  })

  test('are refused whichever byte is flipped and wherever they end', () => {
    const dir = temporaryDir()
    const file = join(dir, 'a.runs')
    writePredictions(file, predictionsOf(writePanoptic(dir, 1, SIZE)))
    const whole = readFileSync(file)
    const refusal = /a\.runs: (damaged predictions|its meta|images)/
    for (let at = 0; at < whole.length; at += at < 64 ? 1 : 3) {
      if (at >= 40 && at < 64) continue // padding
      const flipped = Buffer.from(whole)
      flipped[at]! ^= 1 << (at % 8)
      writeFileSync(file, flipped)
      expect(() => openPredictions(file)).toThrow(refusal)
    }
    for (const length of [0, 3, 63, 64, whole.length - 1]) {
      writeFileSync(file, whole.subarray(0, length))
      expect(() => openPredictions(file)).toThrow(refusal)
    }
  })

  test.each([
    ['runs that fall', [5 * 256, 4 * 256 + 1, 408 * 256], /run 1 ends at pixel 4, where the one before it ends at 5/],
    ['runs that end early', [5 * 256 + 1], /its runs end at pixel 5 of 408/],
    ['labels without a segment', [408 * 256 + 9], /run 0 has label 9, but there are 1 segments/],
  ])('%s are refused before they are scored', async (_, words, message) => {
    const dir = temporaryDir()
    const files = writePanoptic(dir, 1, SIZE)
    const predictionJson = join(dir, 'a.runs')
    const runs = { kind: 'packed', ...SIZE, levels: 3, runs: Uint32Array.from(words) } as const
    writePredictions(predictionJson, [{ imageId: 'image 0', runs, segments: [{ id: 1, categoryId: 5 }] }])
    await expect(scoreFiles({ ...files, predictionJson })).rejects.toMatchObject({ code: 'data/invalid', message })
  })

  test('need a prediction for each image, of its size and of known categories', async () => {
    const dir = temporaryDir()
    const files = writePanoptic(dir, 2, SIZE)
    const [first, second] = predictionsOf(files)
    const predictionJson = join(dir, 'a.runs')
    const scored = (predictions: readonly PredictionRuns[]) => {
      writePredictions(predictionJson, predictions)
      return scoreFiles({ ...files, predictionJson })
    }
    await expect(scored([first!])).rejects.toThrow(/image image 1 has no prediction in .*a\.runs/)
    const small = { kind: 'packed', width: 2, height: 1, levels: 2, runs: Uint32Array.of(2 * 256) } as const
    await expect(scored([first!, { imageId: 'image 1', runs: small, segments: [] }])).rejects.toThrow(/image image 1: .*a\.runs is 2x1 pixels, .*1\.png is 24x17/) // prettier-ignore
    const strange = second!.segments.map((segment) => ({ ...segment, categoryId: 77 }))
    await expect(scored([first!, { ...second!, segments: strange }])).rejects.toThrow(/category 77, which the ground truth does not define/) // prettier-ignore
  })
})

test('of several mistakes the first image is named, by any number of threads', async () => {
  const dir = temporaryDir()
  const files = writePanoptic(dir, 100, SIZE)
  for (const image of [40, 70, 99]) writeFileSync(join(files.predictionDir, `${image}.png`), 'no PNG')
  for (const workers of [1, 2]) {
    await expect(scoreFiles(files, { workers, worker })).rejects.toMatchObject({ name: 'TuneError', code: 'data/invalid', message: /pred.40\.png: not a PNG file/ }) // prettier-ignore
  }
})

test('a thread that cannot start is an error, not a wait', async () => {
  const files = writePanoptic(temporaryDir(), 2, SIZE)
  const nowhere = pathToFileURL(join(temporaryDir(), 'none.mjs'))
  await expect(scoreFiles(files, { workers: 2, worker: nowhere })).rejects.toThrow(/none\.mjs/)
})

function predictionsOf({ predictionJson, predictionDir }: PanopticDir): PredictionRuns[] {
  return Array.from(readPredictions(predictionJson), ([imageId, { fileName, segments: listed }]) => {
    const segments = listed.map(({ id, categoryId }) => ({ id, categoryId }))
    return { imageId, segments, runs: labelRuns(decodeIdRuns(readFileSync(join(predictionDir, fileName)), fileName), segments) } // prettier-ignore
  })
}

function labelsOf(map: object): Uint16Array {
  if (!('levels' in map)) throw new Error('expected labels')
  return toLabels(map as Parameters<typeof toLabels>[0])
}
