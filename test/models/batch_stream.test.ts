import { describe, expect, onTestFinished, test } from 'vitest'
import type { Batch } from '../../src/models/batch.ts'
import { openBatches, withTeacher, type BatchStream } from '../../src/models/batch_stream.ts'
import type { TrainBatchOptions } from '../../src/models/train_batches.ts'
import { drawnSet, rectangles } from '../data/drawn_set.ts'

const drawn = drawnSet(
  Array.from({ length: 6 }, (_, n) => ({
    height: 24,
    width: 30,
    labelAt: rectangles([{ y: n, x: 2 * n, height: 9, width: 7 }]),
    segments: [{ category: 1, isCrowd: false }],
  })),
)
const options: TrainBatchOptions = {
  size: 3,
  seed: 5,
  augment: { height: 16, width: 16, scale: [0.1, 2], light: 0.2, colour: 0.3 },
  targets: { stride: 4, sigma: 2 },
  hardest: 3,
}

function open(thread: boolean, changes: Partial<TrainBatchOptions> = {}): BatchStream {
  const batches = openBatches(drawn, { ...options, ...changes }, thread)
  onTestFinished(() => batches.close())
  return batches
}

/** Copies of the next batches; the losses that are told follow from what was seen. */
async function read(batches: BatchStream, count: number): Promise<Batch[]> {
  const copies: Batch[] = []
  for (let i = 0; i < count; i++) {
    const last = copies.at(-1)
    const losses =
      last && Float32Array.from({ length: last.size }, (_, n) => 1 + 5 * Math.abs(last.offset[32 * n + 9]!))
    copies.push(structuredClone(await batches.next(losses)))
  }
  return copies
}

describe('a thread that makes batches', () => {
  test('makes the very batches of this thread, hard examples included', async () => {
    expect(await read(open(true), 30)).toEqual(await read(open(false), 30))
  })

  test('goes on behind the batches that were taken', async () => {
    const losses = Array.from({ length: 9 }, (_, i) => [1, 1 + i, 1])
    const run = async (thread: boolean, from: number) => {
      const batches = open(thread, { taken: { batches: from, losses: losses.slice(0, from) } })
      const made = [structuredClone(await batches.next())]
      for (const told of losses.slice(from)) made.push(structuredClone(await batches.next(told)))
      return made
    }
    expect(await run(true, 5)).toEqual((await run(false, 0)).slice(5))
  })

  test('works ahead: after a pause the next batch is there at once', { retry: 2 }, async () => {
    const batches = open(true, { size: 16, augment: { height: 256, width: 256 } })
    await batches.next()
    await new Promise((resolve) => setTimeout(resolve, 300))
    const before = batches.waited()
    await batches.next([])
    const here = open(false, { size: 16, augment: { height: 256, width: 256 } })
    await here.next()
    expect(batches.waited() - before).toBeLessThan(here.waited() / 2)
  })

  test('takes back the memory of a batch when the next is asked for', async () => {
    const batches = open(true)
    const first = await batches.next()
    expect(first.images.length).toBe(3 * 3 * 16 * 16)
    await batches.next([1, 1, 1])
    expect(first.images.length).toBe(0)
  })

  test('says why it stopped', async () => {
    const batches = open(true)
    const forgetful = async () => {
      for (let i = 0; i < 9; i++) await batches.next()
    }
    await expect(forgetful()).rejects.toThrow(/follows from the losses of batch 0, which nobody told/)
    await expect(batches.next()).rejects.toThrow(/nobody told/)
  })

  test('refuses wrong options before it starts', () => {
    expect(() => openBatches(drawn, { ...options, size: 0 }, true)).toThrow(/the batch size is 0/)
  })

  test('may be closed at any time, and leaves nothing behind', async () => {
    const ports = () => process.getActiveResourcesInfo().filter((name) => name === 'MessagePort').length
    const before = ports()
    for (const taken of [0, 2]) {
      const batches = openBatches(drawn, { ...options, hardest: 1, augment: { height: 512, width: 512 } }, true)
      for (let i = 0; i < taken; i++) await batches.next()
      const next = batches.next()
      await Promise.all([batches.close(), next.catch(() => {})])
    }
    expect(ports()).toBe(before)
  })

  test('never keeps waiting for a thread that has ended', async () => {
    const batches = openBatches(drawn, { ...options, hardest: 1 }, true)
    await batches.close()
    const all = async () => {
      for (;;) await batches.next()
    }
    await expect(all()).rejects.toThrow(/has ended/)
  })
})

test('a teacher sees each batch and adds what it says', async () => {
  const plain = await read(open(false), 3)
  const teacher = async ({ images, size }: Batch) => Float32Array.of(size, images[7]!)
  const taught = await read(withTeacher(open(false), teacher), 3)
  expect(taught).toEqual(plain.map((batch) => ({ ...batch, soft: Float32Array.of(3, batch.images[7]!) })))
})
