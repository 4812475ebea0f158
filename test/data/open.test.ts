import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { openImageSet, openPanoptic, type OpenOptions } from '../../src/data/open.ts'
import { encodeIds, encodeRgb } from '../../src/data/png_encode.ts'
import { imageSetSummary } from '../../src/data/summary.ts'
import { rawPng } from './raw_png.ts'
import { HEIGHT, scratchDir, sevenIds, tinyJson, tinyPhoto, WIDTH, writeTinySet } from './tiny_set.ts'

const size = { width: WIDTH, height: HEIGHT }

/** Opens the split `val` of a directory, with what it said. */
async function open(dir: string, options: Pick<OpenOptions, 'limit' | 'damaged' | 'damagedShare'> = {}) {
  const said: string[] = []
  const progress = (message: string) => void said.push(message)
  return { set: await openImageSet({ dir, split: 'val', cacheDir: join(dir, 'cache'), progress, ...options }), said }
}

test('a set has its photographs, labels and segments in the order of the JSON', async () => {
  const dir = scratchDir()
  writeTinySet(dir)
  const { set, said } = await open(dir)
  expect(said).toEqual([])
  expect(set.categories).toEqual([
    { id: 10, name: 'car', isThing: true },
    { id: 20, name: 'road', isThing: false },
  ])
  expect(set.scenes).toEqual([
    {
      imageId: 7,
      file: 'seven.png',
      ...size,
      at: 0,
      segments: [
        { id: 300, category: 0, isCrowd: false, area: 6 },
        { id: 70_000, category: 0, isCrowd: true, area: 6 },
        { id: 1, category: 1, isCrowd: false, area: 6 },
      ],
    },
    {
      imageId: 'eight',
      file: 'eight.png',
      ...size,
      at: 24,
      segments: [{ id: 5, category: 1, isCrowd: false, area: 24 }],
    },
  ])
  expect([...set.pixels]).toEqual([...tinyPhoto(0), ...tinyPhoto(100)])
  const labels = [1, 2, 3, 0].flatMap((label) => Array.from({ length: WIDTH }, () => label))
  expect([...set.labels]).toEqual([...labels, ...Array.from({ length: 24 }, () => 1)])
})

test('a set shares its memory with whoever gets a structured clone', async () => {
  const dir = scratchDir()
  writeTinySet(dir)
  for (const { set } of [await open(dir), await open(dir)]) {
    const clone = structuredClone(set)
    clone.pixels[0] = 99
    clone.labels[47] = 77
    expect([set.pixels[0], set.labels[47]]).toEqual([99, 77])
  }
})

test('a photograph may be a link, but what is no file is not read: it may have no end', async () => {
  const dir = scratchDir()
  writeTinySet(dir)
  const photo = join(dir, 'images/val/seven.png')
  renameSync(photo, join(dir, 'elsewhere.png'))
  symlinkSync(join(dir, 'elsewhere.png'), photo)
  expect((await open(dir)).set.scenes).toHaveLength(2)
  rmSync(photo)
  symlinkSync('/dev/zero', photo)
  await expect(open(dir)).rejects.toMatchObject({ code: 'data/missing', message: expect.stringContaining('it is no file') as string }) // prettier-ignore
})

test('a limit takes the first images of the JSON, and only reads those', async () => {
  const dir = scratchDir()
  writeTinySet(dir)
  rmSync(join(dir, 'images/val/eight.png'))
  const { set } = await open(dir, { limit: 1 })
  expect(set.scenes.map(({ imageId }) => imageId)).toEqual([7])
  await expect(open(dir, { limit: 0 })).rejects.toMatchObject({ code: 'usage', message: 'a limit of 0 images' })
})

test('a directory with the names of COCO opens, and so do its parts one by one', async () => {
  const dir = scratchDir()
  writeTinySet(dir)
  const { set } = await open(dir)
  mkdirSync(join(dir, 'annotations'))
  renameSync(join(dir, 'panoptic_val'), join(dir, 'annotations/panoptic_val2017'))
  renameSync(join(dir, 'panoptic_val.json'), join(dir, 'annotations/panoptic_val2017.json'))
  renameSync(join(dir, 'images/val'), join(dir, 'val2017'))
  const cacheDir = join(dir, 'other')
  for (const split of ['val', 'val2017']) expect(await openImageSet({ dir, split, cacheDir })).toEqual(set)
  const pngs = join(dir, 'annotations/panoptic_val2017')
  const paths = { images: join(dir, 'val2017'), json: `${pngs}.json`, pngs }
  expect(await openPanoptic(paths, { cacheDir })).toEqual(set)
})

test('areas and crowds that the JSON leaves out are counted and false', async () => {
  const dir = scratchDir()
  const json = tinyJson()
  json.annotations[1]!.segments_info = [
    { id: 300, category_id: 10 },
    { id: 70_000, category_id: 10 },
    { id: 1, category_id: 20 },
  ]
  writeTinySet(dir, json)
  const { set } = await open(dir)
  expect(set.scenes[0]?.segments[1]).toEqual({ id: 70_000, category: 0, isCrowd: false, area: 6 })
})

test('what is odd but legal is said every time, and its pixels are labelled so', async () => {
  const dir = scratchDir()
  const json = tinyJson()
  json.annotations[1]!.segments_info[0] = { id: 299, category_id: 10, iscrowd: 0, area: 6 }
  json.annotations[0]!.segments_info[0]!['area'] = 25
  writeTinySet(dir, json)
  for (const { set, said } of [await open(dir), await open(dir)]) {
    expect(said.map((line) => line.replace(dir, '.'))).toEqual([
      './panoptic_val.json: 1 listed segments without a pixel, first in image 7',
      './panoptic_val.json: 6 pixels of segments that are not listed, first in image 7',
      './panoptic_val.json: 1 segments whose area is not the one in the JSON, first in image "eight"',
    ])
    expect([...set.labels.subarray(0, 12)]).toEqual(
      [65_535, 2].flatMap((label) => Array.from({ length: 6 }, () => label)),
    )
    expect(set.scenes[1]?.segments[0]?.area).toBe(25)
  }
})

test('a summary counts segments, crowds and pixels', async () => {
  const dir = scratchDir()
  writeTinySet(dir)
  expect(imageSetSummary((await open(dir)).set)).toEqual({
    scenes: 2,
    pixels: 48,
    voidPixels: 6,
    unlistedPixels: 0,
    categories: [
      { id: 10, name: 'car', isThing: true, segments: 2, crowds: 1, pixels: 12 },
      { id: 20, name: 'road', isThing: false, segments: 2, crowds: 0, pixels: 30 },
    ],
  })
})

describe('a set that lacks something says what, and where it looked', () => {
  test.each([
    ['', 'DIR: there is no such directory', 'give the directory'],
    [
      'panoptic_val.json',
      "DIR: no labels of split 'val'",
      'looked for panoptic_val.json, annotations/panoptic_val.json',
    ],
    ['panoptic_val', 'DIR/panoptic_val: no directory of label PNGs', 'it belongs beside panoptic_val.json'],
    ['images', "DIR: no photographs of split 'val'", 'looked for the directories images/val, val'],
    ['images/val/seven.png', 'DIR/images/val/seven.png: the photograph of image 7 is not there', 'fetch the data set'],
    [
      'panoptic_val/eight_labels.png',
      'DIR/panoptic_val/eight_labels.png: the label PNG of image "eight" is not there',
      'fetch',
    ],
  ])('%s', async (missing, message, hint) => {
    const dir = join(scratchDir(), 'set')
    writeTinySet(dir)
    rmSync(join(dir, missing), { recursive: true })
    const hinted: unknown = expect.stringContaining(hint)
    await expect(open(dir)).rejects.toMatchObject({
      code: 'data/missing',
      message: message.replace('DIR', dir),
      hint: hinted,
    })
  })

  test('the splits that are there', async () => {
    const dir = scratchDir()
    writeTinySet(dir)
    await expect(openImageSet({ dir, split: 'train', cacheDir: dir })).rejects.toMatchObject({
      code: 'data/missing',
      hint: expect.stringContaining('the splits there are val'),
    })
  })
})

/** Puts another file in the place of one of image 7. */
const seven = {
  labels: (png: Uint8Array) => (dir: string) => writeFileSync(join(dir, 'panoptic_val/seven_labels.png'), png),
  photo: (png: Uint8Array) => (dir: string) => writeFileSync(join(dir, 'images/val/seven.png'), png),
}

describe('a file that is not what its JSON says is refused by name', () => {
  const wide = { width: 8, height: 3, ids: sevenIds() }
  const whole = encodeIds({ ...size, ids: sevenIds() })

  test.each([
    [
      'a truncated label PNG',
      seven.labels(whole.subarray(0, 60)),
      'panoptic_val/seven_labels.png: damaged PNG: it is truncated',
    ],
    [
      'a grayscale label PNG',
      seven.labels(rawPng({ ...size, type: 0, raw: new Uint8Array(28) })),
      'panoptic_val/seven_labels.png: a grayscale PNG',
    ],
    [
      'labels of another size',
      seven.labels(encodeIds(wide)),
      'panoptic_val/seven_labels.png: is 8x3, but image 7 is 6x4 in the JSON',
    ],
    [
      'a photograph of another size',
      seven.photo(encodeRgb({ ...wide, pixels: tinyPhoto(0) })),
      'images/val/seven.png: is 8x3, but image 7 is 6x4',
    ],
    [
      'a truncated photograph',
      seven.photo(encodeRgb({ ...size, pixels: tinyPhoto(0) }).subarray(0, 70)),
      'images/val/seven.png: the photograph cannot be read',
    ],
    [
      'a photograph that is none',
      seven.photo(Buffer.from('hello')),
      'images/val/seven.png: the photograph cannot be read: Input buffer contains unsupported image format',
    ],
  ])('%s', async (_, damage, message) => {
    const dir = scratchDir()
    writeTinySet(dir)
    damage(dir)
    const where: unknown = expect.stringContaining(join(dir, message))
    await expect(open(dir)).rejects.toMatchObject({ code: 'data/invalid', message: where })
    expect(existsSync(join(dir, 'cache'))).toBe(false)
  })
})

describe('an image that is missing or damaged', () => {
  const damages = {
    'a missing photograph': (dir: string) => rmSync(join(dir, 'images/val/seven.png')),
    'a missing label PNG': (dir: string) => rmSync(join(dir, 'panoptic_val/seven_labels.png')),
    'a damaged photograph': seven.photo(Buffer.from('hello')),
    'damaged labels': seven.labels(encodeIds({ ...size, ids: sevenIds() }).subarray(0, 60)),
  }
  const allowed = { damagedShare: 0.5 } as const

  describe.each(Object.entries(damages))('%s', (_, damage) => {
    test('is left out or replaced, told by name, the first time and from the cache', async () => {
      const dir = scratchDir()
      writeTinySet(dir)
      damage(dir)
      for (const [policy, scenes, fate] of [
        ['skip', ['eight'], 'left out'],
        ['resample', ['eight', 'eight'], 'replaced by others'],
      ] as const) {
        // prettier-ignore
        const [first, again] = [await open(dir, { damaged: policy, ...allowed }), await open(dir, { damaged: policy, ...allowed })] // prettier-ignore
        expect(again).toEqual(first)
        expect(first.set.scenes.map(({ imageId }) => imageId)).toEqual(scenes)
        const { file, at, height, width } = first.set.scenes[0]!
        expect(file).toBe('eight.png')
        expect(first.set.pixels.subarray(3 * at, 3 * (at + height * width))).toEqual(tinyPhoto(100))
        expect(first.set.damaged).toEqual([{ imageId: 7, what: expect.stringContaining('seven') }])
        expect(first.said).toEqual([`${join(dir, 'panoptic_val.json')}: 1 missing or damaged images ${fate}, first ${first.set.damaged![0]!.what}`]) // prettier-ignore
      }
      const ids = [
        await open(dir, { damaged: 'skip', ...allowed }),
        await open(dir, { damaged: 'resample', ...allowed }),
      ]
      expect(ids[0]!.set.id).not.toBe(ids[1]!.set.id)
    })

    test('is an error where it is one of too many, or nothing was said', async () => {
      const dir = scratchDir()
      writeTinySet(dir)
      damage(dir)
      await expect(open(dir)).rejects.toMatchObject({ message: expect.stringContaining('seven') })
      await expect(open(dir, { damaged: 'skip' })).rejects.toMatchObject({
        code: 'data/invalid',
        message: expect.stringMatching(
          /panoptic_val.json: 1 of 2 images \(50 %\) are missing or damaged, first .*seven/,
        ),
        hint: expect.stringContaining('at most 1 % may be'),
      })
      expect(existsSync(join(dir, 'cache'))).toBe(false)
    })
  })

  test('meets no policy that nobody knows', async () => {
    const dir = scratchDir()
    writeTinySet(dir)
    await expect(open(dir, { damaged: 'skp' as 'skip' })).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringContaining("'skp'"),
      hint: "did you mean 'skip'?",
    })
  })

  test('is never all that there is', async () => {
    const dir = scratchDir()
    writeTinySet(dir)
    rmSync(join(dir, 'images/val/seven.png'))
    rmSync(join(dir, 'images/val/eight.png'))
    for (const damaged of ['skip', 'resample'] as const) {
      await expect(open(dir, { damaged, damagedShare: 1 })).rejects.toThrow(/2 of 2 images \(100 %\)/)
    }
  })

  test('makes no difference to a set without one', async () => {
    const dir = scratchDir()
    writeTinySet(dir)
    const { set } = await open(dir)
    expect(await open(dir, { damaged: 'skip' })).toEqual({ set, said: [] })
    expect(await open(dir, { damaged: 'resample' })).toEqual({ set, said: [] })
  })
})

describe('a JSON whose ids do not fit is refused by image and segment', () => {
  type Tiny = ReturnType<typeof tinyJson>
  const seven = (json: Tiny) => json.annotations[1]!.segments_info
  test.each<[string, (json: Tiny) => unknown, string]>([
    [
      'an unknown category',
      (json) => (seven(json)[1]!['category_id'] = 9999),
      'image 7: segment 70000 has the unknown category id 9999',
    ],
    ['a repeated image', (json) => (json.images[1]!['id'] = 7), 'image id 7 is listed twice'],
    ['a repeated segment', (json) => (seven(json)[1]!['id'] = 300), 'image 7: segment id 300 is listed twice'],
    ['a segment 0', (json) => (seven(json)[1]!['id'] = 0), 'image 7: segment id 0 is listed, but 0 means void'],
    [
      'an id above 24 bits',
      (json) => (seven(json)[1]!['id'] = 2 ** 24),
      'image 7: segment id 16777216 does not fit into a PNG',
    ],
    ['a repeated category', (json) => (json.categories[1]!['id'] = 10), 'category id 10 is listed twice'],
    ['a repeated annotation', (json) => (json.annotations[0]!['image_id'] = 7), 'image 7 has two annotations'],
    ['an image without annotation', (json) => json.annotations.pop(), 'image 7 (seven.png) has no annotation'],
    [
      'an annotation without image',
      (json) => json.images.pop(),
      'there is an annotation of image "eight", which is not listed',
    ],
    ['no images', (json) => (json.images = []), 'lists no images'],
    ['no categories', (json) => (json.categories = []), 'lists no categories'],
  ])('%s', async (_, damage, message) => {
    const dir = scratchDir()
    const json = tinyJson()
    damage(json)
    writeTinySet(dir, json)
    await expect(open(dir)).rejects.toMatchObject({
      code: 'data/invalid',
      message: `${join(dir, 'panoptic_val.json')}: ${message}`,
    })
  })
})

describe('a JSON of another shape is refused at the place', () => {
  type Tiny = ReturnType<typeof tinyJson>
  test.each<[string, (json: Tiny) => unknown]>([
    ['images[1].width is 0; expected a whole number from 1', (json) => (json.images[1]!['width'] = 0)],
    ['images[0].id is null; expected a whole number or a string', (json) => (json.images[0]!['id'] = null)],
    [
      'images[0].file_name is "../x.png"; expected a relative path that stays inside its directory',
      (json) => (json.images[0]!['file_name'] = '../x.png'),
    ],
    [
      'annotations[1].segments_info[2].category_id is "20"; expected a whole number',
      (json) => (json.annotations[1]!.segments_info[2]!['category_id'] = '20'),
    ],
    [
      'annotations[1].segments_info[0].iscrowd is 2; expected 0 or 1',
      (json) => (json.annotations[1]!.segments_info[0]!['iscrowd'] = 2),
    ],
    [
      'annotations[0].segments_info[0].area is -1; expected a number of pixels from 0',
      (json) => (json.annotations[0]!.segments_info[0]!['area'] = -1),
    ],
    [
      'annotations[0].segments_info is missing; expected a list',
      (json) => Object.assign(json.annotations[0]!, { segments_info: undefined }),
    ],
    ['annotations[0] is [1]; expected an object', (json) => Object.assign(json, { annotations: [[1]] })],
    [
      'images[0].height is 100000; expected 2^27 pixels at most, with a width of 100000',
      (json) => Object.assign(json.images[0]!, { width: 1e5, height: 1e5 }),
    ],
    ['categories[0].isthing is missing; expected 0 or 1', (json) => delete json.categories[0]!['isthing']],
  ])('%s', async (message, damage) => {
    const dir = scratchDir()
    const json = tinyJson()
    damage(json)
    writeTinySet(dir, json)
    await expect(open(dir)).rejects.toMatchObject({
      code: 'data/invalid',
      message: `${join(dir, 'panoptic_val.json')}: ${message}`,
    })
  })

  test.each([
    ['[]', 'the file is []; expected an object'],
    ['{"images":[]}', 'annotations is missing; expected a list'],
    [`{"images":${'['.repeat(1e5)}${']'.repeat(1e5)}}`, 'images[0] is nested without end; expected an object'],
    ['{"images":[{"id":1e400}]}', 'images[0].id is null; expected a whole number or a string'],
    ['{"images":', 'not JSON: Unexpected end of JSON input'],
  ])('%s', async (text, message) => {
    const dir = scratchDir()
    writeTinySet(dir, text)
    await expect(open(dir)).rejects.toMatchObject({
      code: 'data/invalid',
      message: `${join(dir, 'panoptic_val.json')}: ${message}`,
    })
    expect(readFileSync(join(dir, 'panoptic_val.json'), 'utf8')).toBe(text)
  })
})
