import { chmodSync, cpSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openImageSet } from '../../src/data/open.ts'
import { encodeIds } from '../../src/data/png_encode.ts'
import { readSetFile } from '../../src/data/set_file.ts'
import { filterRows, rawPng } from './raw_png.ts'
import { HEIGHT, scratchDir, sevenIds, WIDTH, writeTinySet } from './tiny_set.ts'

/** A tiny set that was opened once, and the file it was kept in. */
async function openedOnce() {
  const dir = scratchDir()
  writeTinySet(dir)
  const cacheDir = join(dir, 'cache')
  const open = () => openImageSet({ dir, split: 'val', cacheDir })
  const set = await open()
  const [file] = readdirSync(cacheDir)
  return { dir, cacheDir, open, set, file: join(cacheDir, file!) }
}

test('the second opening reads one file and gives the same set', async () => {
  const { cacheDir, open, set, file } = await openedOnce()
  const past = new Date(2001, 1)
  utimesSync(file, past, past)
  const again = await open()
  expect(again).toEqual(set)
  expect(again.pixels.buffer).toBeInstanceOf(SharedArrayBuffer)
  // An unchanged time means that the file was good enough not to be written again.
  expect([readdirSync(cacheDir).length, statSync(file).mtimeMs]).toEqual([1, past.getTime()])
})

test('whichever byte of the cache is flipped, the set is right or made again', async () => {
  const { set, file } = await openedOnce()
  const whole = readFileSync(file)
  const taken = [...whole.keys()].flatMap((at) => {
    const flipped = Buffer.from(whole)
    flipped[at]! ^= 0x10
    writeFileSync(file, flipped)
    return readSetFile(file, set.id)?.set ?? []
  })
  // Only the padding between its sections does not count.
  expect(taken).toEqual(taken.map(() => set))
  expect(taken.length).toBeLessThan(4 * 64)
})

test('a cache that was cut short anywhere, or lengthened, is made again', async () => {
  const { open, set, file } = await openedOnce()
  const whole = readFileSync(file)
  for (let length = 0; length < whole.length; length += 7) {
    writeFileSync(file, whole.subarray(0, length))
    expect(readSetFile(file, set.id)).toBeUndefined()
  }
  writeFileSync(file, Buffer.concat([whole, Buffer.from('more')]))
  expect(readSetFile(file, set.id)).toBeUndefined()
  expect(await open()).toEqual(set)
  expect(readFileSync(file).equals(whole)).toBe(true)
})

test('the cache of another set under the same name is not taken', async () => {
  const [one, other] = [await openedOnce(), await openedOnce()]
  writeFileSync(join(other.dir, 'panoptic_val/seven_labels.png'), swappedLabels())
  const changed = await other.open()
  const foreign = readdirSync(other.cacheDir).find((name) => name.startsWith(changed.id.slice(0, 32)))!
  cpSync(join(other.cacheDir, foreign), one.file)
  expect(await one.open()).toEqual(one.set)
})

test('a label PNG that is edited without changing its size or time gives another set', async () => {
  const { dir, open } = await openedOnce()
  const path = join(dir, 'panoptic_val/seven_labels.png')
  writeFileSync(path, storedPng(sevenIds()))
  const set = await open()
  const { size, atime, mtime } = statSync(path)
  writeFileSync(path, storedPng(swappedIds()))
  utimesSync(path, atime, mtime)
  expect(statSync(path).size).toBe(size)
  const changed = await open()
  expect(changed.id).not.toBe(set.id)
  expect([...changed.labels.subarray(0, 12)]).toEqual([2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1])
})

test('a limit, and another split of the same directory, are other sets', async () => {
  const { dir, cacheDir, set } = await openedOnce()
  for (const path of ['images/val', 'panoptic_val', 'panoptic_val.json']) {
    cpSync(join(dir, path), join(dir, path.replace('val', 'train')), { recursive: true })
  }
  writeFileSync(join(dir, 'panoptic_train/seven_labels.png'), swappedLabels())
  const train = await openImageSet({ dir, split: 'train', cacheDir })
  const limited = await openImageSet({ dir, split: 'val', cacheDir, limit: 1 })
  expect(new Set([set.id, train.id, limited.id]).size).toBe(3)
  expect(train.labels[0]).toBe(2)
  expect(limited.scenes.length).toBe(1)
})

test('two that build the same cache at once both get the set, and leave one file', async () => {
  const dir = scratchDir()
  writeTinySet(dir)
  const cacheDir = join(dir, 'cache')
  const [a, b] = await Promise.all([0, 1].map(() => openImageSet({ dir, split: 'val', cacheDir })))
  expect(a).toEqual(b)
  expect(readdirSync(cacheDir)).toEqual([`${a!.id.slice(0, 32)}.imageset`])
})

test('a cache that cannot be written is said, and the set is good', async () => {
  const dir = scratchDir()
  writeTinySet(dir)
  const cacheDir = join(dir, 'file')
  writeFileSync(cacheDir, 'in the way')
  chmodSync(cacheDir, 0o444)
  const said: string[] = []
  const set = await openImageSet({ dir, split: 'val', cacheDir, progress: (message) => said.push(message) })
  expect(set.scenes.length).toBe(2)
  expect(said).toEqual([expect.stringContaining('the decoded images could not be kept for the next run: ')])
})

/** The ids of image 7 with its first two segments swapped. */
function swappedIds(): Uint32Array {
  const swapped = new Map([
    [300, 70_000],
    [70_000, 300],
  ])
  return sevenIds().map((id) => swapped.get(id) ?? id)
}

function swappedLabels(): Uint8Array {
  return encodeIds({ width: WIDTH, height: HEIGHT, ids: swappedIds() })
}

/** A label PNG whose size does not depend on its ids. */
function storedPng(ids: Uint32Array): Uint8Array {
  const bytes = Uint8Array.from([...ids].flatMap((id) => [id & 255, (id >> 8) & 255, id >> 16]))
  const raw = filterRows(bytes, 3 * WIDTH, 3, [0, 0, 0, 0])
  return rawPng({ width: WIDTH, height: HEIGHT, raw, level: 0 })
}
