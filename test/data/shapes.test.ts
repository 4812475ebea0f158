import { readdirSync, readFileSync, rmSync, statSync, truncateSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { ImageSet } from '../../src/data/image_set.ts'
import { openImageSet } from '../../src/data/open.ts'
import { openShapes, writeShapes } from '../../src/data/shapes.ts'
import { imageSetSummary } from '../../src/data/summary.ts'
import { scratchDir } from './tiny_set.ts'

const FEW = { size: 48, train: 5, val: 3, heldout: 2 }

/** Every file of a directory, by its path. */
function contents(dir: string): Record<string, string> {
  const files = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  return Object.fromEntries(
    files.map(({ parentPath, name }) => [
      join(parentPath, name).slice(dir.length),
      readFileSync(join(parentPath, name), 'base64'),
    ]),
  )
}

/** The photographs of a set, one string each. */
function photos({ scenes, pixels }: ImageSet): readonly string[] {
  return scenes.map(({ at, width, height }) =>
    Buffer.from(pixels.slice(3 * at, 3 * (at + width * height))).toString('base64'),
  )
}

test('the same seed writes the same bytes, and another seed others', async () => {
  const dir = scratchDir()
  for (const [name, seed] of [
    ['a', 1],
    ['b', 1],
    ['c', 2],
  ] as const)
    await writeShapes(join(dir, name), { ...FEW, seed })
  const [a, b, c] = ['a', 'b', 'c'].map((name) => contents(join(dir, name)))
  expect(Object.keys(a!).length).toBe(2 * (5 + 3 + 2) + 4)
  expect(b).toEqual(a)
  const same = Object.keys(a!).filter((file) => a![file] === c![file])
  expect(same).toEqual([])
})

test('no scene is in two splits, and more training scenes leave the others as they are', async () => {
  const cacheDir = scratchDir()
  const open = (split: 'train' | 'val' | 'heldout', train: number) => openShapes({ cacheDir, split, ...FEW, train })
  const all = [...photos(await open('train', 5)), ...photos(await open('val', 5)), ...photos(await open('heldout', 5))]
  expect(new Set(all).size).toBe(10)
  expect(photos(await open('val', 7))).toEqual(photos(await open('val', 5)))
  expect(photos(await open('train', 7)).slice(0, 5)).toEqual(photos(await open('train', 5)))
})

test('150 scenes have every class, overlaps, void, crowds, single pixels, and one without things', async () => {
  const set = await openShapes({ cacheDir: scratchDir(), split: 'train', train: 150, val: 1, heldout: 1 })
  const { scenes, pixels, voidPixels, unlistedPixels, categories } = imageSetSummary(set)
  expect({ scenes, pixels, unlistedPixels }).toEqual({ scenes: 150, pixels: 150 * 64 * 64, unlistedPixels: 0 })
  expect(categories.map(({ name }) => name)).toEqual([
    'disc',
    'box',
    'triangle',
    'ring',
    'star',
    'stripes',
    'checks',
    'gravel',
    'haze',
  ])
  expect(voidPixels / pixels).toBeGreaterThan(0.01)
  expect(voidPixels / pixels).toBeLessThan(0.1)
  const things = categories.filter(({ isThing }) => isThing)
  const rarest = things.toSorted((a, b) => a.segments - b.segments)[0]!
  expect([rarest.name, rarest.segments > 10]).toEqual(['star', true])
  expect(categories.filter(({ isThing }) => !isThing).every(({ pixels }) => pixels > 50_000)).toBe(true)
  expect(categories.reduce((sum, { crowds }) => sum + crowds, 0)).toBeGreaterThan(5)

  const isThing = (category: number) => set.categories[category]!.isThing
  const counts = set.scenes.map(({ segments }) => segments.filter(({ category }) => isThing(category)).length)
  expect([Math.min(...counts), Math.max(...counts) >= 5]).toEqual([0, true])
  const whole = set.scenes.flatMap(({ segments }) =>
    segments.filter(({ category, isCrowd }) => isThing(category) && !isCrowd),
  )
  expect(whole.some(({ area }) => area === 1)).toBe(true)
  // About 10 pixels across, typically more.
  expect(whole.map(({ area }) => area).toSorted((a, b) => a - b)[Math.floor(whole.length / 2)]).toBeGreaterThan(90)
  expect(set.scenes.some((_, i) => splitThings(set, i) > 0)).toBe(true)
})

test('scenes of another size show the same, larger', async () => {
  const [small, large] = [await openOne(64), await openOne(128)]
  expect(large.scenes.map(({ width, height }) => [width, height])).toEqual([[128, 128]])
  const [before, after] = [small, large].map(({ scenes }) => scenes[0]!.segments)
  expect(after!.map(({ category }) => category)).toEqual(before!.map(({ category }) => category))
  const ratios = after!.map(({ area }, i) => area / before![i]!.area)
  expect(Math.min(...ratios)).toBeGreaterThan(2.5)
  expect(Math.max(...ratios)).toBeLessThan(6)
})

test('scenes that are there are kept; missing, cut and differently made ones are written again', async () => {
  const dir = join(scratchDir(), 'deep/shapes')
  await writeShapes(`${dir}/`, FEW)
  expect(readdirSync(join(dir, '..'))).toEqual(['shapes'])
  const whole = contents(dir)
  const past = new Date(2001, 1)
  utimesSync(join(dir, 'panoptic_val.json'), past, past)
  await writeShapes(dir, FEW)
  expect(statSync(join(dir, 'panoptic_val.json')).mtimeMs).toBe(past.getTime())

  rmSync(join(dir, 'images/val/val_00002.png'))
  await writeShapes(dir, FEW)
  expect(contents(dir)).toEqual(whole)
  truncateSync(join(dir, 'panoptic_train/train_00001.png'), 50)
  await writeShapes(dir, FEW)
  expect(contents(dir)).toEqual(whole)
  await writeShapes(dir, { ...FEW, val: 1 })
  expect((await openImageSet({ dir, split: 'val', cacheDir: scratchDir() })).scenes.length).toBe(1)
})

test('a directory that holds anything else is left alone', async () => {
  const dir = scratchDir()
  writeFileSync(join(dir, 'thesis.tex'), 'years of work')
  const refusal = {
    code: 'usage',
    message: `${dir}: not written, because it has files that are no generated scenes, such as thesis.tex`,
  }
  await expect(writeShapes(dir, FEW)).rejects.toMatchObject(refusal)
  expect(readdirSync(dir)).toEqual(['thesis.tex'])

  const shapes = join(scratchDir(), 'shapes')
  await writeShapes(shapes, FEW)
  writeFileSync(join(shapes, 'notes.txt'), 'mine')
  await expect(writeShapes(shapes, { ...FEW, seed: 3 })).rejects.toMatchObject({
    code: 'usage',
    message: expect.stringContaining("holds 'notes.txt'"),
  })
  await writeShapes(shapes, FEW)
  expect(readFileSync(join(shapes, 'notes.txt'), 'utf8')).toBe('mine')
})

test('two that write the same directory at once leave it whole', async () => {
  const parent = scratchDir()
  const dir = join(parent, 'shapes')
  await Promise.all([writeShapes(dir, FEW), writeShapes(dir, FEW)])
  await writeShapes(join(parent, 'alone'), FEW)
  expect(contents(dir)).toEqual(contents(join(parent, 'alone')))
  expect(readdirSync(parent).toSorted()).toEqual(['alone', 'shapes'])
})

test.each([
  [{ size: 16 }, 'shapes: size is 16', 'give a whole number from 32 to 1024'],
  [{ val: 0 }, 'shapes: val is 0', 'give a whole number from 1'],
  [{ seed: 0.5 }, 'shapes: seed is 0.5', 'give a whole number'],
])('an option out of range is refused: %o', async (options, message, hint) => {
  await expect(writeShapes(join(scratchDir(), 'shapes'), options)).rejects.toMatchObject({
    code: 'usage',
    message,
    hint,
  })
})

test('a directory that cannot be made is one clear error', async () => {
  const file = join(scratchDir(), 'file')
  writeFileSync(file, '')
  const error = { code: 'results/unwritable', message: expect.stringMatching(/file.* cannot be written/) }
  await expect(writeShapes(join(file, 'shapes'), FEW)).rejects.toMatchObject(error)
})

function openOne(size: number): Promise<ImageSet> {
  return openShapes({ cacheDir: scratchDir(), split: 'train', size, train: 1, val: 1, heldout: 1, seed: 11 })
}

/** Things of a scene whose pixels fall into two or more pieces, each of at least 12 pixels. */
function splitThings(set: ImageSet, index: number): number {
  const { at, width, height, segments } = set.scenes[index]!
  const labels = set.labels.slice(at, at + width * height)
  const pieces = segments.map(() => 0)
  for (let start = 0; start < labels.length; start++) {
    const label = labels[start]!
    if (label > 0 && flood(labels, width, start) >= 12) pieces[label - 1]!++
  }
  return segments.filter(({ category, isCrowd }, i) => set.categories[category]!.isThing && !isCrowd && pieces[i]! > 1)
    .length
}

/** Clears the piece of a label that a pixel belongs to; gives its size. */
function flood(labels: Uint16Array, width: number, start: number): number {
  const label = labels[start]!
  const open = [start]
  labels[start] = 0
  let size = 0
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    size++
    const beside = [
      at - width,
      at + width,
      ...(at % width > 0 ? [at - 1] : []),
      ...(at % width < width - 1 ? [at + 1] : []),
    ]
    for (const next of beside) {
      if (labels[next] !== label) continue
      labels[next] = 0
      open.push(next)
    }
  }
  return size
}
