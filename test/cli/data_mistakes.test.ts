import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, test } from 'vitest'
import { encodeIds } from '../../src/data/png_encode.ts'
import { rawPng } from '../data/raw_png.ts'
import { temporaryDir } from '../temporary.ts'
import { mistake, mistakeOf, tune } from './tune.ts'

const study = fileURLToPath(new URL('../../studies/loss_weights_coco.ts', import.meta.url))
const SIZE = 64

let good = ''
beforeAll(async () => {
  good = mkdtempSync(join(tmpdir(), 'panoptune-shapes-'))
  const { code, stderr } = await tune('.', ['data', 'shapes', join(good, 'set'), '--train', '4', '--val', '4', '--heldout', '4', '--size', String(SIZE)]) // prettier-ignore
  if (code !== 0) throw new Error(stderr)
  return () => rmSync(good, { recursive: true })
})

/** A directory with a copy of the small data set, in which something may be damaged. */
function copy(damage: (file: Find) => void): string {
  const dir = temporaryDir()
  cpSync(join(good, 'set'), join(dir, 'set'), { recursive: true })
  damage((name) => join(dir, 'set', name))
  return dir
}

const run = (dir: string, trials: number) => tune(dir, ['--study', study, '--set', 'data=set', '--set', 'every=1', '--trials', String(trials), '--steps', '1', '--slots', '1', '--quiet']) // prettier-ignore

/** Changes the JSON of the validation images. */
function editJson(file: string, edit: (json: Panoptic) => void): void {
  const json = JSON.parse(readFileSync(file, 'utf8')) as Panoptic
  edit(json)
  writeFileSync(file, JSON.stringify(json))
}

interface Panoptic {
  images: { id: number }[]
  annotations: { segments_info: { category_id: number }[] }[]
}

const LABELS = 'panoptic_val/val_00001.png'
const JSON_FILE = 'panoptic_val.json'

/** Finds a file of the set. */
type Find = (name: string) => string

const truncate = (file: Find) => writeFileSync(file(LABELS), readFileSync(file(LABELS)).subarray(0, 60))
const grayscale = rawPng({ width: SIZE, height: SIZE, type: 0, raw: new Uint8Array(SIZE * (SIZE + 1)) })
const narrow = encodeIds({ width: 32, height: SIZE, ids: new Uint32Array(32 * SIZE) })
const inventCategory = ({ annotations: [first] }: Panoptic) => (first!.segments_info[0]!.category_id = 999)
const repeatImage = ({ images: [first, second] }: Panoptic) => (second!.id = first!.id)

describe('a data set is refused by name before anything is trained, when it', () => {
  // prettier-ignore
  test.each<[string, (file: Find) => void, 'data/missing' | 'data/invalid', RegExp]>([
    ['is not there', (file) => rmSync(file(''), { recursive: true }), 'data/missing', /^set: there is no such directory/],
    ['has no validation labels', (file) => rmSync(file(JSON_FILE)), 'data/missing', /^set: no labels of split 'val'/],
    ['lacks a photograph', (file) => rmSync(file('images/val/val_00001.png')), 'data/missing', /val_00001\.png: the photograph of image \d+ is not there/],
    ['has a truncated label PNG', truncate, 'data/invalid', /val_00001\.png: .*truncated/],
    ['has a grayscale label PNG', (file) => writeFileSync(file(LABELS), grayscale), 'data/invalid', /val_00001\.png: .*grayscale/],
    ['has a label PNG of another size', (file) => writeFileSync(file(LABELS), narrow), 'data/invalid', /val_00001\.png: .*32x64.*64x64/],
    ['has an unknown category', (file) => editJson(file(JSON_FILE), inventCategory), 'data/invalid', /panoptic_val\.json: image \d+.*category.*999/],
    ['has an image twice', (file) => editJson(file(JSON_FILE), repeatImage), 'data/invalid', /panoptic_val\.json: image id \d+ is listed twice/],
    ['has a JSON that is cut short', (file) => writeFileSync(file('panoptic_train.json'), '{"images": ['), 'data/invalid', /panoptic_train\.json: not JSON/],
  ])('%s', async (_, damage, code, message) => {
    const dir = copy(damage)
    expect(mistakeOf(await run(dir, 1))).toEqual(mistake(code, message, /./))
    expect(existsSync(join(dir, 'results/loss_weights_coco/trials'))).toBe(false)
  })

  test('is not given at all', async () => {
    const ran = await tune(temporaryDir(), ['--study', study, '--quiet'])
    expect(mistakeOf(ran)).toEqual(mistake('usage', /needs a data set/, /--set data=DIR/))
  })
})

test('trials that were stored before the data was damaged stay readable', async () => {
  const dir = copy(() => undefined)
  expect(await run(dir, 1)).toMatchObject({ code: 0, stderr: '' })
  truncate((name) => join(dir, 'set', name))
  expect(mistakeOf(await run(dir, 2))).toEqual(mistake('data/invalid', /val_00001\.png/, /./))
  const { stdout } = await tune(dir, ['list', '--json'])
  expect(JSON.parse(stdout)).toMatchObject([{ trial: 0, state: 'complete' }])
})
