import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { evalCommand } from '../../src/cli/eval.ts'
import { encodeIds } from '../../src/data/png_encode.ts'
import type { TuneError } from '../../src/errors.ts'
import { stream } from '../../src/rng.ts'
import { temporaryDir } from '../temporary.ts'

const KINDS = [
  { id: 3, name: 'cell', isthing: 1 },
  { id: 4, name: 'cup', isthing: 1 },
  { id: 7, name: 'sky', isthing: 0 },
]

test('--bootstrap gives every score an interval around it, in the table and in JSON', async () => {
  const dir = write()
  const { printed } = await run(dir, 'pred', '--bootstrap', '200')
  expect(printed.split('\n')[0]).toMatch(/^ +PQ +95 % +SQ +95 % +RQ +95 % +N$/)
  expect(printed).toMatch(/^All +\d+\.\d +\d+\.\d-\d+\.\d /m)
  const { All, intervals } = JSON.parse((await run(dir, 'pred', '--bootstrap', '200', '--json')).printed)
  expect(intervals.All.pq.value).toBeCloseTo(All.pq, 12)
  expect(intervals.All.pq.low).toBeLessThan(All.pq)
  expect(intervals.All.pq.high).toBeGreaterThan(All.pq)
  expect(intervals.Stuff.rq).toMatchObject({ low: expect.any(Number), standardError: expect.any(Number) })
})

test('--compare gives the paired difference, its interval and p; either order gives the same but for the sign', async () => {
  const dir = write()
  const forth = JSON.parse((await run(dir, 'pred', '--compare', join(dir, 'worse.json'), '--json')).printed).comparison
  const back = JSON.parse((await run(dir, 'worse', '--compare', join(dir, 'pred.json'), '--json')).printed)
  expect(back.comparison.differences.All.pq.difference).toBeCloseTo(-forth.differences.All.pq.difference, 12)
  expect(forth.other.All).toEqual(back.All)
  expect(forth.differences.All.pq.low).toBeGreaterThan(0)
  expect(forth.differences.All.pq.p).toBeLessThan(0.05)
  const folder = ['--compare', join(dir, 'worse.json'), '--compare-dir', join(dir, 'worse')]
  expect((await run(dir, 'pred', ...folder)).printed).toMatch(/^PQ +this +other +difference +95 % +p\nAll .* \+\d+\.\d +\+\d+\.\d to \+\d+\.\d +[<0]/m) // prettier-ignore
})

test('--race stops what is clearly worse after some images, and gives no PQ then', async () => {
  const dir = write({ images: 60 })
  const race = async (name: string, other: string, ...more: readonly string[]) => run(dir, name, '--compare', join(dir, `${other}.json`), '--race', ...more) // prettier-ignore
  const stopped = await race('worse', 'pred', '--json', '--per-class')
  const behind = { difference: expect.any(Number), standardError: expect.any(Number) }
  expect(JSON.parse(stopped.printed)).toEqual({ race: { state: 'stopped', at: 30, of: 60, behind } })
  expect((await race('worse', 'pred')).printed).toMatch(/^stopped after 30 of 60 images: clearly worse than the other, about \d+\.\d \+- \d\.\d points of PQ behind\nno PQ/) // prettier-ignore
  const full = await run(dir, 'pred', '--compare', join(dir, 'worse.json'), '--json')
  expect(await race('pred', 'worse', '--json')).toEqual(full)
  expect((await run(dir, 'pred', '--race')).error).toMatchObject({ code: 'usage', message: expect.stringMatching(/--race needs --compare/) }) // prettier-ignore
})

test('intervals over few images come with a note, in JSON as well', async () => {
  const dir = write()
  const { printed, warned } = await run(dir, 'pred', '--bootstrap', '50', '--json')
  expect(warned).toBe('note: 12 images are few: intervals may hold the truth only 90 times in 100\n')
  expect(JSON.parse(printed).caveat).toMatch(/^12 images are few/)
  expect((await run(dir, 'pred')).warned).toBe('')
})

test('--boundary adds Boundary PQ, which is never above PQ', async () => {
  const dir = write()
  const { All, boundary } = JSON.parse((await run(dir, 'pred', '--boundary', '--json')).printed)
  expect(boundary.All.pq).toBeGreaterThan(0)
  expect(boundary.All.pq).toBeLessThan(All.pq)
  expect((await run(dir, 'pred', '--boundary')).printed).toMatch(/^Boundary +PQ +SQ +RQ +N$/m)
})

test('--strict scores what is right, and lists what is not before it exits with 2', async () => {
  const dir = write()
  const right = await run(dir, 'pred', '--strict', '--json')
  expect(right).toEqual(await run(dir, 'pred', '--json'))
  const json = JSON.parse(readFileSync(join(dir, 'gt.json'), 'utf8'))
  json.annotations[0].segments_info[0].area = 10
  writeFileSync(join(dir, 'gt.json'), JSON.stringify(json))
  const out = join(dir, 'report.json')
  const refused = await run(dir, 'pred', '--strict', '--json', '--out', out)
  expect(refused.error).toMatchObject({ code: 'data/invalid', message: '1 finding: nothing was scored' })
  const expected = { kind: 'area', file: join(dir, 'gt.json'), image: 0, segment: 1 }
  expect(JSON.parse(refused.printed).findings).toMatchObject([expected])
  expect(JSON.parse(readFileSync(out, 'utf8')).findings).toMatchObject([expected])
  expect((await run(dir, 'pred', '--strict')).printed).toMatch(/gt\.json: image 0: segment 1: area is 10, but .*0\.png has 100 pixels of it\n$/) // prettier-ignore
  // Without it the score is panopticapi's, which trusts the area: this IoU is above 1.
  const iou = (text: string): number => JSON.parse(text).per_class['3'].iou
  expect(iou((await run(dir, 'pred', '--json')).printed)).toBeGreaterThan(iou(right.printed) + 0.2)
})

test('contiguous category ids, which cannot be scored, are named in the hint', async () => {
  const dir = write()
  rename(dir, (id) => [3, 4, 7].indexOf(id))
  const refused = await run(dir, 'pred')
  expect(refused.error).toMatchObject({ code: 'data/invalid', hint: expect.stringMatching(/contiguous ids, counting the 3 categories/) }) // prettier-ignore
})

test('a mistake that is not of categories keeps its own hint, though ids are shifted by one as well', async () => {
  const dir = write({ kinds: KINDS.map((kind, i) => ({ ...kind, id: i + 1 })), used: [1, 2] })
  rename(dir, (id) => id + 1)
  writeFileSync(join(dir, 'pred', '3.png'), encodeIds({ width: 2, height: 1, ids: new Uint32Array(2) }))
  const { error } = await run(dir, 'pred')
  expect(error).toMatchObject({ message: /3\.png is 2x1 pixels/, hint: expect.stringContaining('resize predictions') })
})

test('a score of nothing because ids are shifted by one comes with a warning', async () => {
  const dir = write({ kinds: KINDS.map((kind, i) => ({ ...kind, id: i + 1 })), used: [1, 2] })
  rename(dir, (id) => id + 1)
  const { printed, warned } = await run(dir, 'pred')
  expect(printed).toMatch(/^All +0\.0/m)
  expect(warned).toMatch(/^warning: .*pred\.json: image 0: .* if each predicted category id were 1 lower \(they are shifted by one\)/) // prettier-ignore
})

/** Images of two things and some sky; the better predictions are off by a column, the worse ones often by half. */
function write({ kinds = KINDS, used = [3, 4, 7], images = 12 } = {}): string {
  const dir = temporaryDir()
  const rng = stream(1, 'images')
  const [gt, pred, worse] = ['gt', 'pred', 'worse'].map((name) => {
    mkdirSync(join(dir, name))
    return { name, annotations: [] as object[] }
  })
  for (let image = 0; image < images; image++) {
    const shift = 1 + rng.below(2)
    for (const [side, moved] of [[gt!, 0], [pred!, shift], [worse!, shift + 2 + rng.below(5)]] as const) {
      const ids = new Uint32Array(400)
      for (let i = 0; i < 400; i++) {
        const x = (i % 20) - moved
        ids[i] = i >= 200 ? (used.length > 2 ? 3 : 0) : x < 0 ? 0 : x < 10 ? 1 : 2
      }
      writeFileSync(join(dir, side.name, `${image}.png`), encodeIds({ width: 20, height: 20, ids }))
      const segments = used.map((category, i) => {
        return { id: i + 1, category_id: category, iscrowd: 0, area: ids.filter((id) => id === i + 1).length }
      })
      side.annotations.push({ image_id: image, file_name: `${image}.png`, segments_info: segments })
    } // prettier-ignore
  }
  for (const { name, annotations } of [gt!, pred!, worse!]) {
    writeFileSync(join(dir, `${name}.json`), JSON.stringify({ categories: kinds, annotations }))
  }
  return dir
}

function rename(dir: string, to: (id: number) => number): void {
  const json = JSON.parse(readFileSync(join(dir, 'pred.json'), 'utf8'))
  for (const { segments_info: segments } of json.annotations) {
    for (const segment of segments) segment.category_id = to(segment.category_id)
  }
  writeFileSync(join(dir, 'pred.json'), JSON.stringify(json))
}

async function run(dir: string, name: string, ...more: readonly string[]) {
  const [printed, warned]: [string[], string[]] = [[], []]
  const words = ['panoptic', '--gt', join(dir, 'gt.json'), '--pred', join(dir, `${name}.json`), ...more]
  const command = evalCommand((text) => printed.push(text), (text) => warned.push(text)) // prettier-ignore
  let error: TuneError | undefined
  try {
    await command.parseAsync(words, { from: 'user' })
  } catch (thrown) {
    error = thrown as TuneError
  }
  return { printed: printed.join(''), warned: warned.join(''), error }
}
