import { mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { cacheCommand } from '../../src/cli/cache.ts'
import { writeSetFile } from '../../src/data/set_file.ts'
import { openEvalSet } from '../../src/eval/open_eval_set.ts'
import { writePanoptic } from '../eval/panoptic_dir.ts'
import { temporaryDir } from '../temporary.ts'

test('ls names each set with its kind and size, and verify reads all of them', async () => {
  const { cacheDir } = await filledCache()
  const listed = (await tune('ls', '--cache-dir', cacheDir)).trimEnd().split('\n')
  expect(listed[0]!.split(/ {2,}/)).toEqual(['file', 'kind', 'size'])
  expect(listed.slice(1).map((line) => line.trim().split(/ {2,}/).slice(0, 2))).toEqual(
    expect.arrayContaining([
      [expect.stringMatching(/^[0-9a-f]{8}\.\.\.\.evalset$/), 'ground truth'],
      ['abcdef01....imageset', 'photographs'],
    ]),
  )
  const verified: { kind: string; images: number }[] = JSON.parse(
    await tune('verify', '--cache-dir', cacheDir, '--json'),
  )
  expect(Object.fromEntries(verified.map(({ kind, images }) => [kind, images]))).toEqual({ evalset: 3, imageset: 0 })
})

test('verify names what is damaged, and clean --damaged removes that alone', async () => {
  const { cacheDir, evalset } = await filledCache()
  const bytes = readFileSync(evalset)
  bytes[bytes.length - 3]! ^= 1
  writeFileSync(evalset, bytes)
  await expect(tune('verify', '--cache-dir', cacheDir)).rejects.toMatchObject({
    code: 'data/invalid',
    message: `1 of 2 cached data sets are damaged: ${evalset}`,
    hint: expect.stringContaining('tune cache clean --damaged'),
  })
  expect(await tune('clean', '--damaged', '--cache-dir', cacheDir)).toMatch(/removed 1 file, \d/)
  expect(readdirSync(cacheDir)).toEqual(['abcdef0123.imageset'])
})

test('clean removes all sets and what stopped writers left, but nothing else and nothing that is being written', async () => {
  const { cacheDir, evalset } = await filledCache()
  const partial = (letter: string) => `${evalset}.${letter.repeat(8)}-0000-4000-8000-000000000000`
  writeFileSync(partial('a'), 'abandoned')
  utimesSync(partial('a'), 0, 0)
  writeFileSync(partial('b'), 'being written')
  writeFileSync(join(cacheDir, 'model.onnx'), 'of somebody else')
  const removed: { removed: string[] } = JSON.parse(await tune('clean', '--json', '--cache-dir', cacheDir))
  expect(removed.removed.length).toBe(3)
  expect(readdirSync(cacheDir).map((name) => join(cacheDir, name)).toSorted()).toEqual([partial('b'), join(cacheDir, 'model.onnx')].toSorted()) // prettier-ignore
})

test('the cache of the results is meant by default, and an empty one is said to be', async () => {
  const results = temporaryDir()
  expect(await tune('ls', '--results', results)).toBe(`${join(results, 'cache')}: no data set is kept here\n`)
  mkdirSync(join(results, 'cache'))
  expect(await tune('clean', '--results', results)).toBe(`${join(results, 'cache')}: removed 0 files, 0.0 kB\n`)
})

async function filledCache() {
  const dir = temporaryDir()
  const files = writePanoptic(dir, 3, { width: 12, height: 9 })
  const cacheDir = join(dir, 'cache')
  await openEvalSet({ json: files.truthJson, pngDir: files.truthDir, cacheDir })
  const evalset = join(cacheDir, readdirSync(cacheDir)[0]!)
  const set = { id: 'ab'.repeat(32), categories: [], scenes: [], pixels: new Uint8Array(), labels: new Uint16Array() }
  writeSetFile(join(cacheDir, 'abcdef0123.imageset'), { set, notes: [] })
  return { cacheDir, evalset }
}

async function tune(...argv: readonly string[]): Promise<string> {
  const printed: string[] = []
  await cacheCommand((text) => printed.push(text)).parseAsync(argv, { from: 'user' })
  return printed.join('')
}
