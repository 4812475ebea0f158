import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parsePanoptic } from '../../src/data/coco_json.ts'
import { encodeIds } from '../../src/data/png_encode.ts'
import { decodeIdRuns } from '../../src/data/png_runs.ts'
import { scoreBoundaryFiles } from '../../src/eval/boundary_files.ts'
import { explainCategories } from '../../src/eval/category_mismatch.ts'
import { findingLine } from '../../src/eval/finding.ts'
import type { PanopticFiles } from '../../src/eval/panoptic_files.ts'
import { writePredictions } from '../../src/eval/prediction_file.ts'
import { labelRuns } from '../../src/eval/run_map.ts'
import { countsFindings, strictFindings } from '../../src/eval/strict.ts'
import { temporaryDir } from '../temporary.ts'

const categories = [17, 18, 21].map((id) => ({ id, name: `class ${id}`, isthing: 1 }))

describe('strict names what panopticapi accepts without a word', () => {
  test('nothing about files that are right', () => {
    expect(strictFindings(write())).toEqual([])
  })

  test('an area that is not the pixels', () => {
    const [first, ...rest] = image().truth
    expect(lines(write([{ ...image(), truth: [{ ...first!, area: 9 }, ...rest] }]))).toEqual([
      'gt.json: image 1: segment 5: area is 9, but gt/1.png has 10 pixels of it',
    ])
  })

  test('several crowds of one category, of which only the last counts', () => {
    const truth = image().truth.map((segment) => ({ ...segment, category_id: 17, iscrowd: 1 }))
    expect(lines(write([{ ...image(), truth }]))).toEqual([
      'gt.json: image 1: segments 5, 6, 8 are all crowds of category 17; only 8 excuses predictions',
    ])
  })

  test('a listed id 0, on either side', () => {
    const pixels = [...Array(10).fill(5), ...Array(10).fill(6), ...Array(9).fill(8), 0]
    const truth = image().truth.map((segment) => (segment.id === 8 ? { ...segment, area: 9 } : segment))
    const one = { ...image(), truth: [...truth, { id: 0, category_id: 17, iscrowd: 0, area: 1 }], pixels }
    expect(lines(write([one]))).toEqual([
      'gt.json: image 1: segment 0: id 0 is listed, as category 17, but pixels of id 0 are void',
    ])
  })

  test('ids, images and categories that are listed twice', () => {
    const prediction = [...image().prediction, { id: 2, category_id: 18 }]
    const files = write([{ ...image(), prediction }, image(), image()], [...categories, categories[0]!])
    expect(lines(files)).toEqual([
      'gt.json: category 17 is listed twice; the last counts',
      'gt.json: image 1: the image has two annotations; of predictions the last counts',
      'pred.json: image 1: the image has two annotations; of predictions the last counts',
      'pred.json: image 1: segment 2: the id is listed 2 times, with categories 17, 18; the last counts',
    ])
  })

  test('pixels that are not listed, segments without pixels, and categories that are not defined', () => {
    const truth = image().truth.map((segment) => (segment.id === 5 ? { ...segment, id: 7 } : segment))
    const prediction = [{ id: 2, category_id: 99 }, ...image().prediction.slice(1)]
    expect(lines(write([{ ...image(), truth, prediction }]))).toEqual([
      'pred.json: image 1: segment 2: category 99 is not defined; those are 17, 18, 21',
      'gt/1.png: image 1: segment 5: it has 10 pixels, but gt.json does not list it',
      'gt.json: image 1: segment 7: it is listed, but gt/1.png has 0 pixels of it',
    ])
  })

  test('sizes that differ, and say so where numpy would stretch them', () => {
    const files = write()
    writeFileSync(join(files.predictionDir, '1.png'), encodeIds({ width: 10, height: 1, ids: new Uint32Array(10).fill(2) })) // prettier-ignore
    expect(lines(files)[0]).toBe(
      'pred/1.png: image 1: it is 10x1 pixels, gt/1.png is 10x3, which numpy stretches without a word',
    )
    writeFileSync(join(files.predictionDir, '1.png'), encodeIds({ width: 5, height: 2, ids: new Uint32Array(10).fill(2) })) // prettier-ignore
    expect(lines(files)[0]).toBe('pred/1.png: image 1: it is 5x2 pixels, gt/1.png is 10x3')
  })

  test('images without a prediction, one whose id is a text, and predictions of other images', () => {
    const files = write([image(), { ...image(), id: 2 }, { ...image(), id: 3 }])
    const annotations = [{ ...annotation(image()), image_id: '1' }, annotation({ ...image(), id: 2 }), { ...annotation(image()), image_id: 9 }] // prettier-ignore
    writeFileSync(files.predictionJson, JSON.stringify({ annotations }))
    expect(lines(files)).toEqual([
      'pred.json: image 1: there is no prediction, but one whose id is a text',
      'pred.json: image 3: there is no prediction',
      'pred.json: image 1: it is predicted, but not in gt.json: ignored',
      'pred.json: image 9: it is predicted, but not in gt.json: ignored',
    ])
  })

  test('the id that boundary-iou-api needs itself, where boundaries are asked for', () => {
    const prediction = image().prediction.map((segment) => (segment.id === 2 ? { ...segment, id: 22 } : segment))
    const predicted = image().predicted.map((id) => (id === 2 ? 22 : id))
    const files = write([{ ...image(), prediction, predicted }])
    expect(strictFindings(files)).toEqual([])
    expect(strictFindings(files, { boundary: true }).map(({ kind, segment }) => [kind, segment])).toEqual([['id-reserved', 22]]) // prettier-ignore
  })

  test('sums of IoUs that no right input gives', () => {
    const of = (sum: number) => {
      const counts = { iou: Float64Array.of(sum, 0, 0), tp: Float64Array.of(2, 0, 0), fp: new Float64Array(3), fn: new Float64Array(3) } // prettier-ignore
      const scored = { categories: categories.map(({ id, name }) => ({ id, name, isThing: true })), images: [{ imageId: 4, counts }] } // prettier-ignore
      return countsFindings(scored, 'pred.json').map(findingLine)
    }
    expect(of(2)).toEqual([])
    for (const sum of [13.4, Infinity, Number.NaN]) {
      expect(of(sum)).toEqual([`pred.json: image 4: the IoUs of 2 matches of category 17 add up to ${sum}`])
    }
  })
})

describe('category ids that are off are named, with the overlap that shows it', () => {
  const shown = (rename: (id: number) => number, kinds = categories) => {
    const prediction = image(kinds).prediction.map(({ id, category_id: category }) => ({ id, category_id: rename(category) })) // prettier-ignore
    return explainCategories(write([{ ...image(kinds), prediction }], kinds))?.message
  }

  test('shifted by one', () => {
    const dense = [1, 2, 3, 4].map((id) => ({ id, name: `class ${id}`, isthing: 1 }))
    expect(shown((id) => id + 1, dense)).toBe(
      'of 3 predicted segments that overlap one of the ground truth 0 have its category; 3 would if each predicted category id were 1 lower (they are shifted by one): segment 2 has category 2, and the segment 5 that it lies on has 1',
    )
    expect(shown((id) => id - 1, dense)).toMatch(/3 would if each predicted category id were 1 higher/)
  })

  test('contiguous ids in place of those of the data set', () => {
    const index = (id: number) => categories.findIndex((category) => category.id === id)
    expect(shown(index)).toMatch(/0 have its category; 3 would if they were contiguous ids, counting the 3 categories .* from 0: segment 2 has category 0, and the segment 5 that it lies on has 17/) // prettier-ignore
    expect(shown((id) => index(id) + 1)).toMatch(/contiguous ids, counting .* from 1/)
  })

  test('but neither right ones nor a class that is taken for another', () => {
    expect(shown((id) => id)).toBeUndefined()
    expect(shown((id) => (id === 17 ? 18 : id))).toBeUndefined()
  })
})

describe('predictions as runs', () => {
  const { prediction } = image()
  const shifted = prediction.map((segment) => ({ ...segment, category_id: segment.category_id + 1 }))

  test.each([{ prediction }, { prediction: prediction.slice(1) }, { prediction: shifted }])(
    'get the findings and explanations that their PNGs get',
    (listed) => {
      const [files, runs] = bothForms(listed)
      const named = (text = '') => text.replaceAll(runs.predictionJson, files.predictionJson)
      expect(strictFindings(runs).map(findingLine).map(named)).toEqual(strictFindings(files).map(findingLine))
      expect(named(explainCategories(runs)?.message)).toBe(explainCategories(files)?.message ?? '')
    },
  )

  test('have the Boundary PQ that their PNGs have', () => {
    const [files, runs] = bothForms({ prediction: prediction.slice(1) })
    expect(scoreBoundaryFiles(runs)).toEqual(scoreBoundaryFiles(files))
  })
})

/** A prediction that is void where it lists nothing, as PNG and as runs. */
function bothForms({ prediction }: Pick<Image, 'prediction'>): readonly [PanopticFiles, PanopticFiles] {
  const predicted = image().predicted.map((id) => (prediction.some((segment) => segment.id === id) ? id : 0))
  const files = write([{ ...image(), prediction, predicted }])
  return [files, { ...files, predictionJson: asRuns(files) }]
}

/** The predictions as one file of runs beside them. */
function asRuns({ truthDir, predictionJson, predictionDir }: PanopticFiles): string {
  const { annotations } = parsePanoptic(readFileSync(predictionJson, 'utf8'), predictionJson)
  const file = join(truthDir, '..', 'pred.runs')
  const images = annotations.map(({ imageId, fileName, segments }) => {
    const runs = labelRuns(decodeIdRuns(readFileSync(join(predictionDir, fileName)), fileName), segments)
    return { imageId, runs, segments }
  })
  writePredictions(file, images)
  return file
}

interface Image {
  readonly id: number
  readonly truth: readonly { readonly id: number; readonly category_id: number; readonly iscrowd: number; readonly area: number }[] // prettier-ignore
  readonly pixels: readonly number[]
  readonly prediction: readonly { readonly id: number; readonly category_id: number }[]
  readonly predicted: readonly number[]
}

/** 10x3 pixels, a segment a row, all predicted right. */
function image(kinds = categories): Image {
  const rows = (ids: readonly number[]) => ids.flatMap((id) => Array<number>(10).fill(id))
  const truth = [5, 6, 8].map((id, i) => ({ id, category_id: kinds[i]!.id, iscrowd: 0, area: 10 }))
  const prediction = [2, 3, 4].map((id, i) => ({ id, category_id: kinds[i]!.id }))
  return { id: 1, truth, pixels: rows([5, 6, 8]), prediction, predicted: rows([2, 3, 4]) }
}

function write(images: readonly Image[] = [image()], kinds = categories): PanopticFiles {
  const dir = temporaryDir()
  const [truthDir, predictionDir] = [join(dir, 'gt'), join(dir, 'pred')]
  for (const folder of [truthDir, predictionDir]) mkdirSync(folder)
  for (const { id, pixels, predicted } of images) {
    for (const [folder, ids] of [[truthDir, pixels], [predictionDir, predicted]] as const) {
      writeFileSync(join(folder, `${id}.png`), encodeIds({ width: 10, height: 3, ids: Uint32Array.from(ids) }))
    }
  } // prettier-ignore
  const truthJson = join(dir, 'gt.json')
  const predictionJson = join(dir, 'pred.json')
  const truths = images.map((one) => ({ ...annotation(one), segments_info: one.truth }))
  writeFileSync(truthJson, JSON.stringify({ categories: kinds, annotations: truths }))
  writeFileSync(predictionJson, JSON.stringify({ annotations: images.map(annotation) }))
  return { truthJson, truthDir, predictionJson, predictionDir }
}

function annotation({ id, prediction }: Image) {
  return { image_id: id, file_name: `${id}.png`, segments_info: prediction }
}

/** Findings on a line each, without the directory, each once. */
function lines(files: PanopticFiles): readonly string[] {
  const dir = join(files.truthDir, '..')
  return [...new Set(strictFindings(files).map((finding) => findingLine(finding).replaceAll(`${dir}/`, '')))]
}
