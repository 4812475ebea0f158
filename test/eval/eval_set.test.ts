import { cpSync, mkdirSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { decodeIds } from '../../src/data/png.ts'
import { evalSetOf, type EvalSet } from '../../src/eval/eval_set.ts'
import { sealedKey } from '../../src/eval/eval_set_header.ts'
import { viewEvalSet } from '../../src/eval/eval_set_layout.ts'
import { openEvalSet } from '../../src/eval/open_eval_set.ts'
import { toLabels } from '../../src/eval/run_map.ts'
import { scoreScene } from '../../src/eval/score_scene.ts'
import { filterRows, rawPng } from '../data/raw_png.ts'
import { temporaryDir } from '../temporary.ts'
import { writePanoptic } from './panoptic_dir.ts'

const SIZE = { width: 13, height: 9 }

test('a set holds what the files say, from the files and from its cache alike (M5)', async () => {
  const { dir, open, file } = await openedOnce()
  const [made, kept] = [await openEvalSet({ json: join(dir, 'gt.json'), pngDir: join(dir, 'gt') }), await open()]
  expect(contentOf(kept)).toEqual(contentOf(made))
  expect(readdirSync(join(dir, 'cache')).map((name) => join(dir, 'cache', name))).toEqual([file])
  const json: { annotations: { image_id: string; segments_info: { id: number; area: number; iscrowd: number }[] }[] } =
    JSON.parse(readFileSync(join(dir, 'gt.json'), 'utf8'))
  for (const [i, { image_id: imageId, segments_info: listed }] of json.annotations.entries()) {
    const image = kept.images[i]!
    const { ids } = decodeIds(readFileSync(join(dir, 'gt', `${i}.png`)), 'gt')
    expect(image.imageId).toBe(imageId)
    expect(image.segments.map(({ id, area, isCrowd }) => ({ id, area, iscrowd: Number(isCrowd) }))).toEqual(
      listed.map(({ id, area, iscrowd }) => ({ id, area, iscrowd })),
    )
    expect(Array.from(toLabels(image.runs), (label) => image.segments[label - 1]?.id ?? 0)).toEqual([...ids])
    for (const { id, areaPixels, bbox } of image.segments) {
      const places = [...ids.keys()].filter((at) => ids[at] === id)
      const [xs, ys] = [places.map((at) => at % SIZE.width), places.map((at) => Math.floor(at / SIZE.width))]
      const [x, y] = [Math.min(...xs), Math.min(...ys)]
      expect(areaPixels).toBe(places.length)
      expect(bbox).toEqual([x, y, Math.max(...xs) - x + 1, Math.max(...ys) - y + 1])
    }
  }
})

test('another thread sees the same set in the same memory', async () => {
  const { set } = await openedOnce()
  expect(set.memory).toBeInstanceOf(SharedArrayBuffer)
  expect(contentOf(viewEvalSet(structuredClone(set.memory)))).toEqual(contentOf(set))
})

describe('a cache is used only while it is what was written', () => {
  test('whichever byte is flipped, the same set comes back, made again', async () => {
    const { file, open, set, said } = await openedOnce(1)
    const [whole, expected] = [readFileSync(file), contentOf(set)]
    let padding = 0
    for (let at = 0; at < whole.length; at++) {
      const flipped = Buffer.from(whole)
      flipped[at]! ^= 1 << (at % 8)
      const memory = new SharedArrayBuffer(flipped.length)
      new Uint8Array(memory).set(flipped)
      // Only the padding between sections may change unseen, and nothing reads that.
      const isUsed = sealedKey(memory) === set.id
      expect(isUsed ? contentOf(viewEvalSet(memory)) : expected).toEqual(expected)
      if (isUsed) padding++
    }
    expect(padding).toBeLessThan(4 * 64 + 256 - 176)
    for (const at of [0, 5, 17, 50, 60, 100, 300, whole.length - 1]) {
      const flipped = Buffer.from(whole)
      flipped[at]! ^= 4
      writeFileSync(file, flipped)
      const before = said.length
      expect(contentOf(await open())).toEqual(contentOf(set))
      expect(said.length).toBe(before + 1)
      expect(readFileSync(file).equals(whole)).toBe(true)
    }
  })

  test('wherever it ends too early, or goes on', async () => {
    const { file, open, set } = await openedOnce(1)
    const whole = readFileSync(file)
    for (const length of [0, 1, 47, 55, 256, 300, whole.length - 1]) {
      writeFileSync(file, whole.subarray(0, length))
      expect(contentOf(await open())).toEqual(contentOf(set))
    }
    writeFileSync(file, Buffer.concat([whole, Buffer.of(0)]))
    expect(contentOf(await open())).toEqual(contentOf(set))
  })

  test('another version or another set under its name are made again', async () => {
    const [one, other] = [await openedOnce(1), await openedOnce(3)]
    cpSync(other.file, one.file)
    expect(contentOf(await one.open())).toEqual(contentOf(one.set))
    const newer = readFileSync(one.file)
    newer.writeUInt16LE(2, 4)
    writeFileSync(one.file, newer)
    expect(contentOf(await one.open())).toEqual(contentOf(one.set))
  })

  test('a PNG edited without changing its size or time, and another JSON, give another set', async () => {
    const { dir, open } = await openedOnce(1)
    const png = join(dir, 'gt', '0.png')
    const stored = (id: number) => {
      const bytes = Uint8Array.from({ length: 3 * 117 }, (_, i) => (i % 3 === 0 ? id : 0))
      return rawPng({
        ...SIZE,
        raw: filterRows(
          bytes,
          39,
          3,
          Array.from({ length: 9 }, () => 0),
        ),
        level: 0,
      })
    }
    writeFileSync(png, stored(1))
    const before = await open()
    const { atime, mtime, size } = statSync(png)
    writeFileSync(png, stored(0))
    utimesSync(png, atime, mtime)
    expect(statSync(png).size).toBe(size)
    const after = await open()
    expect(after.id).not.toBe(before.id)
    expect([...toLabels(after.images[0]!.runs)]).not.toEqual([...toLabels(before.images[0]!.runs)])

    const json = readFileSync(join(dir, 'gt.json'), 'utf8')
    writeFileSync(join(dir, 'gt.json'), json.replace('"id":2', '"id":9'))
    expect((await open()).id).not.toBe(after.id)
  })

  test('two that make it at once both get it, and leave one file', async () => {
    const dir = temporaryDir()
    writePanoptic(dir, 2, SIZE)
    const open = () =>
      openEvalSet({ json: join(dir, 'gt.json'), pngDir: join(dir, 'gt'), cacheDir: join(dir, 'cache') })
    const [a, b] = await Promise.all([open(), open()])
    expect(contentOf(a)).toEqual(contentOf(b))
    expect(readdirSync(join(dir, 'cache')).length).toBe(1)
  })

  test('one that cannot be written is said, and the set is good', async () => {
    const dir = temporaryDir()
    writePanoptic(dir, 1, SIZE)
    writeFileSync(join(dir, 'cache'), 'in the way')
    const said: string[] = []
    const set = await openEvalSet({ json: join(dir, 'gt.json'), pngDir: join(dir, 'gt'), cacheDir: join(dir, 'cache'), progress: (line) => said.push(line) }) // prettier-ignore
    expect(set.images.length).toBe(1)
    expect(said.at(-1)).toMatch(/^the eval set could not be kept for the next time: /)
  })
})

test('files that are not there are named', async () => {
  const { dir } = await openedOnce(1)
  const json = join(dir, 'gt.json')
  await expect(openEvalSet({ json, pngDir: join(dir, 'none') })).rejects.toMatchObject({ code: 'data/missing', message: /none: no such folder/ }) // prettier-ignore
  mkdirSync(join(dir, 'empty'))
  await expect(openEvalSet({ json, pngDir: join(dir, 'empty') })).rejects.toMatchObject({ message: /0\.png: the label PNG of image image 0 is not there/ }) // prettier-ignore
})

test('a scene of more than 254 segments, and one of 2^24 pixels, are counted in the wide form', () => {
  for (const [width, height, count] of [
    [60, 20, 300],
    [4096, 4096, 2],
  ] as const) {
    // prettier-ignore
    const labels = Uint16Array.from({ length: width * height }, (_, i) => 1 + (Math.floor(i / 4) % count))
    const areas = new Uint32Array(count)
    for (const label of labels) areas[label - 1]! += 1
    const segments = Array.from(areas, (area, i) => ({ id: i + 1, category: 0, isCrowd: false, area }))
    const scene = { imageId: 1, file: 'a', width, height, at: 0, segments }
    const set = { id: `${count}`, categories: [{ id: 1, name: 'cell', isThing: true }], scenes: [scene], pixels: new Uint8Array(), labels } // prettier-ignore
    expect(evalSetOf(set).images[0]!.runs.kind).toBe('wide')
    const counts = scoreScene(set, 0, { labels, segments })
    expect([counts.tp[0], counts.iou[0], counts.fp[0], counts.fn[0]]).toEqual([count, count, 0, 0])
  }
})

async function openedOnce(images = 4) {
  const dir = temporaryDir()
  writePanoptic(dir, images, SIZE)
  const said: string[] = []
  const open = () =>
    openEvalSet({
      json: join(dir, 'gt.json'),
      pngDir: join(dir, 'gt'),
      cacheDir: join(dir, 'cache'),
      progress: (line) => said.push(line),
    })
  const set = await open()
  return { dir, open, set, said, file: join(dir, 'cache', readdirSync(join(dir, 'cache'))[0]!) }
}

/** All that a set says, but for the memory that it lies in. */
function contentOf({ id, categories, images }: EvalSet): object {
  return { id, categories, images: images.map((image) => ({ ...image, runs: [...toLabels(image.runs)] })) }
}
