import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { evalCommand } from '../../src/cli/eval.ts'
import { encodeIds } from '../../src/data/png_encode.ts'
import { filterRows, rawPng } from '../data/raw_png.ts'

let dir = ''
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'panoptune-eval-'))
})
afterEach(() => {
  rmSync(dir, { recursive: true, force: true })
})

describe('tune eval panoptic', () => {
  test('the table gives percent as papers print it, and a dash where no class occurs', async () => {
    write()
    expect(await run()).toBe(
      [
        '          PQ    SQ     RQ  N',
        'All     80.0  80.0  100.0  1',
        'Things  80.0  80.0  100.0  1',
        'Stuff      -     -      -  0',
        '',
      ].join('\n'),
    )
  })

  test('--per-class adds a row for each class, and the table fits 60 columns whatever the names', async () => {
    write({
      categories: [
        { ...CELL, name: 'x'.repeat(70) },
        { id: 3, name: 'sky', isthing: 0 },
      ],
    })
    const lines = (await run('--per-class')).trimEnd().split('\n')
    expect(lines.slice(5).map((line) => line.split(/ +/))).toEqual([
      ['class', 'PQ', 'SQ', 'RQ', 'TP', 'FP', 'FN'],
      [`${'x'.repeat(15)}...`, '80.0', '80.0', '100.0', '1', '0', '0'],
      ['sky', '-', '-', '-', '0', '0', '0'],
    ])
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(60)
  })

  test('--json prints fractions, and --out writes the same to a file', async () => {
    write()
    const out = join(dir, 'report.json')
    const printed: unknown = JSON.parse(await run('--json', '--out', out))
    expect(printed).toEqual({
      All: { pq: 0.8, sq: 0.8, rq: 1, n: 1 },
      Things: { pq: 0.8, sq: 0.8, rq: 1, n: 1 },
      Stuff: { pq: null, sq: null, rq: null, n: 0 },
      per_class: { '1': { pq: 0.8, sq: 0.8, rq: 1, tp: 1, fp: 0, fn: 0, iou: 0.8 } },
    })
    expect(JSON.parse(readFileSync(out, 'utf8'))).toEqual(printed)
  })

  test("panopticapi's argument names work, and folders default to the JSON without its ending", async () => {
    write()
    const [gt, pred] = [join(dir, 'gt.json'), join(dir, 'pred.json')]
    const expected = await run('--json')
    expect(await tune('--gt_json_file', gt, '--pred_json_file', pred, '--json')).toBe(expected)
    const folders = ['--gt_folder', join(dir, 'gt'), '--pred_folder', join(dir, 'pred')]
    expect(await tune('--gt_json_file', gt, '--pred_json_file', pred, ...folders, '--json')).toBe(expected)
  })

  test('JSON with a byte order mark, and with NaN where nobody looks, is read', async () => {
    write()
    const expected = await run()
    const file = join(dir, 'pred.json')
    writeFileSync(file, `\uFEFF${readFileSync(file, 'utf8').replace('"score":0', '"score":NaN')}`)
    expect(await run()).toBe(expected)
  })

  test('of two segments with one id the last counts, and a class that the ground truth does not define is left out', async () => {
    write()
    const listed = [
      { id: 5, category_id: 1, iscrowd: 1, area: 1 },
      { id: 6, category_id: 99, iscrowd: 0, area: 4 },
      { id: 5, category_id: 1, iscrowd: 0, area: 10 },
    ]
    writeFileSync(join(dir, 'gt.json'), JSON.stringify({ categories: [CELL], annotations: [annotation(...listed)] }))
    const { All, per_class: classes } = JSON.parse(await run('--json'))
    expect(All).toEqual({ pq: 0.8, sq: 0.8, rq: 1, n: 1 })
    expect(Object.keys(classes)).toEqual(['1'])
  })
})

describe('what cannot be scored is refused with where, what and how to mend it', () => {
  test('missing arguments', async () => {
    await expect(tune('--gt', 'gt.json')).rejects.toMatchObject({ code: 'usage', message: /--pred FILE/ })
  })

  test('files and folders that are not there', async () => {
    write()
    await expect(tune('--gt', join(dir, 'none.json'), '--pred', join(dir, 'pred.json'))).rejects.toMatchObject({
      code: 'data/missing',
      message: expect.stringContaining('none.json'),
    })
    await expect(run('--pred-dir', join(dir, 'none'))).rejects.toMatchObject({ code: 'data/missing', message: /none: no such folder/ }) // prettier-ignore
    rmSync(join(dir, 'pred', '1.png'))
    await expect(run()).rejects.toMatchObject({
      code: 'data/missing',
      message: /1\.png: the label PNG of image 1 is not there/,
    })
  })

  test('JSON that is cut short, and JSON of another kind', async () => {
    write()
    writeFileSync(join(dir, 'pred.json'), '{"annotations": [')
    await expect(run()).rejects.toMatchObject({ code: 'data/invalid', message: /pred\.json: not JSON/ })
    writeFileSync(join(dir, 'pred.json'), '[]')
    await expect(run()).rejects.toMatchObject({ message: /pred\.json: the file is \[\]; expected an object/ })
    writeFileSync(join(dir, 'pred.json'), '{"images": []}')
    await expect(run()).rejects.toMatchObject({ message: /pred\.json: annotations is missing; expected a list/ })
  })

  test('fields that are missing or of the wrong kind', async () => {
    write({ truth: { id: 5, category_id: 1, iscrowd: 0 } })
    await expect(run()).rejects.toMatchObject({ message: /gt\.json: image 1: segment 5 has no 'area'/ }) // prettier-ignore
    write({ prediction: { id: 'five', category_id: 1 } })
    await expect(run()).rejects.toMatchObject({
      message: /pred\.json: annotations\[0\]\.segments_info\[0\]\.id is "five"/,
    })
    write({ categories: [{ id: 1, name: 'cell' }] })
    await expect(run()).rejects.toMatchObject({ message: /gt\.json: categories\[0\]\.isthing is missing/ })
  })

  test('sizes that numpy would broadcast', async () => {
    write()
    writeFileSync(join(dir, 'pred', '1.png'), encodeIds({ width: 5, height: 1, ids: new Uint32Array(5).fill(7) }))
    await expect(run()).rejects.toMatchObject({ message: /^image 1: .*1\.png is 5x1 pixels, .*1\.png is 5x2/ })
  })

  test('a truncated and a grayscale PNG, by their names', async () => {
    write()
    const file = join(dir, 'pred', '1.png')
    writeFileSync(file, readFileSync(file).subarray(0, 40))
    await expect(run()).rejects.toMatchObject({ code: 'data/invalid', message: /pred.1\.png: .*truncated/ })
    writeFileSync(file, grayscale())
    await expect(run()).rejects.toMatchObject({ code: 'data/invalid', message: /pred.1\.png: .*grayscale/ })
  })

  test('before the first pixel is read, where files alone show them', async () => {
    write()
    const [gt, pred] = ['gt.json', 'pred.json'].map((name) => join(dir, name)) as [string, string]
    const twice = (file: string, edit: (second: { segments_info: object[] }) => void) => {
      const json = JSON.parse(readFileSync(file, 'utf8'))
      const second = { ...structuredClone(json.annotations[0]), image_id: 2, file_name: '2.png' }
      edit(second)
      writeFileSync(file, JSON.stringify({ ...json, annotations: [json.annotations[0], second] }))
    }
    twice(gt, () => {})
    twice(pred, ({ segments_info: segments }) => segments.push({ id: 8, category_id: 99 }))
    copyFileSync(join(dir, 'gt', '1.png'), join(dir, 'gt', '2.png'))
    // Pixels of the first image that do not inflate, and a header of the second that promises gigabytes.
    const [first, second] = [new Uint8Array(9), filterRows(new Uint8Array(30), 15, 3, [0, 0])]
    writeFileSync(join(dir, 'pred', '1.png'), rawPng({ width: 5, height: 2, raw: first }))
    writeFileSync(join(dir, 'pred', '2.png'), rawPng({ width: 30_000, height: 30_000, raw: second }))
    await expect(run()).rejects.toMatchObject({ message: /^image 2: segment 8 of .*pred\.json has category 99/ })
    twice(pred, () => {})
    await expect(run()).rejects.toMatchObject({ message: /^image 2: .*2\.png is 30000x30000 pixels, .*2\.png is 5x2/ })
    writeFileSync(join(dir, 'pred', '2.png'), rawPng({ width: 5, height: 2, type: 3, raw: second }))
    await expect(run()).rejects.toMatchObject({ message: /pred.2\.png: a palette PNG/ })
    rmSync(join(dir, 'pred', '2.png'))
    await expect(run()).rejects.toMatchObject({ message: /pred.2\.png: the label PNG of image 2 is not there/ })
  })

  test('more segments than can be told apart', async () => {
    write()
    const segments = Array.from({ length: 70_000 }, (_, i) => ({ id: i + 1, category_id: 1 }))
    writeFileSync(join(dir, 'pred.json'), JSON.stringify({ annotations: [annotation(...segments)] }))
    await expect(run()).rejects.toMatchObject({ message: /^image 1: .*pred\.json has 70000 segments; at most 16384/ })
  })

  test('a report that cannot be written', async () => {
    write()
    await expect(run('--out', join(dir, 'none', 'report.json'))).rejects.toMatchObject({ code: 'results/unwritable' })
  })
})

const CELL = { id: 1, name: 'cell', isthing: 1 }

interface Content {
  readonly categories?: readonly object[]
  readonly truth?: object
  readonly prediction?: object
}

/** One image of 5x2 pixels with one cell; the prediction covers 8 of its 10 pixels. */
function write({
  categories = [CELL],
  truth = { id: 5, category_id: 1, iscrowd: 0, area: 10 },
  prediction = { id: 7, category_id: 1, score: 0 },
}: Content = {}): void {
  writeFileSync(join(dir, 'gt.json'), JSON.stringify({ categories, annotations: [annotation(truth)] }))
  writeFileSync(join(dir, 'pred.json'), JSON.stringify({ annotations: [annotation(prediction)] }))
  for (const [side, id, count] of [
    ['gt', 5, 10],
    ['pred', 7, 8],
  ] as const) {
    mkdirSync(join(dir, side), { recursive: true })
    const ids = new Uint32Array(10).fill(id, 0, count)
    writeFileSync(join(dir, side, '1.png'), encodeIds({ width: 5, height: 2, ids }))
  }
}

function annotation(...segments: readonly object[]): object {
  return { image_id: 1, file_name: '1.png', segments_info: segments }
}

function run(...more: readonly string[]): Promise<string> {
  return tune('--gt', join(dir, 'gt.json'), '--pred', join(dir, 'pred.json'), ...more)
}

async function tune(...argv: readonly string[]): Promise<string> {
  const printed: string[] = []
  await evalCommand((text) => printed.push(text)).parseAsync(['panoptic', ...argv], { from: 'user' })
  return printed.join('')
}

/** A PNG of 5x2 gray pixels: a header of colour type 0 is all that is looked at. */
function grayscale(): Uint8Array {
  const bytes = Buffer.from(encodeIds({ width: 5, height: 2, ids: new Uint32Array(10) }))
  const [header, colourType] = [bytes.subarray(12, 29), 13]
  header[colourType] = 0
  bytes.writeUInt32BE(crc32(header), 29)
  return bytes
}
