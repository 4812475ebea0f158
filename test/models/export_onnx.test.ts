import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openShapes } from '../../src/data/shapes.ts'
import { imageStatistics } from '../../src/eval/image_statistics.ts'
import { scoreScene } from '../../src/eval/score_scene.ts'
import { decodePanoptic } from '../../src/models/decode.ts'
import { exportOnnx } from '../../src/models/export_onnx.ts'
import { scoresOf } from '../../src/models/score.ts'
import { checkpointFile } from '../../src/results.ts'
import { trainModel } from '../../src/models/train.ts'
import { temporaryDir } from '../temporary.ts'

const cpu = { kind: 'cpu', index: 0, threads: 1 } as const

/** Reads pixels, 0 to 255, from one file, runs the model on each image, and writes what comes out to another. */
const RUN = `
import { readFileSync, writeFileSync } from 'node:fs'
import { InferenceSession, Tensor } from 'onnxruntime-node'
const [model, pixels, out] = process.argv.slice(1)
const session = await InferenceSession.create(model)
const all = new Float32Array(readFileSync(pixels).buffer.slice(0))
const { shape } = session.inputMetadata[0]
const size = shape.reduce((product, length) => product * length, 1)
const results = []
for (let at = 0; at < all.length; at += size) {
  const { semantic, center, offset } = await session.run({ images: new Tensor('float32', all.slice(at, at + size), shape) })
  results.push({ semantic: [...semantic.data], center: [...center.data], offset: [...offset.data] })
}
writeFileSync(out, JSON.stringify({ shape, outputs: session.outputMetadata, results }))
`

test('an exported model scores in a fresh process what it scored in training', { timeout: 60_000 }, async () => {
  const dir = temporaryDir()
  const set = await openShapes({ cacheDir: dir, split: 'val', size: 64, train: 1, val: 6, heldout: 1 })
  const trial = { seed: 1, device: cpu, signal: new AbortController().signal, maxSteps: 1, dir }
  const weights = { semantic: 1, center: 20, offset: 0.1 }
  let expected
  for await (const model of trainModel({ trial, set, weights, every: 120 })) expected = await model.score(set)

  const { file, height, width, differences, notes } = await exportOnnx(checkpointFile(dir))
  expect([height, width]).toEqual([64, 64])
  expect(notes).toEqual([])
  expect(differences.classes).toBeLessThan(1e-3)
  writeFileSync(join(dir, 'model.onnx'), file)
  const plane = 64 * 64
  const pixels = Float32Array.from({ length: set.scenes.length * 3 * plane }, (_, i) => {
    const [scene, channel, pixel] = [Math.floor(i / (3 * plane)), Math.floor(i / plane) % 3, i % plane]
    return set.pixels[3 * (set.scenes[scene]!.at + pixel) + channel]!
  })
  writeFileSync(join(dir, 'pixels.f32'), new Uint8Array(pixels.buffer))
  const paths = ['model.onnx', 'pixels.f32', 'out.json'].map((name) => join(dir, name))
  execFileSync(process.execPath, ['--input-type=module', '-e', RUN, ...paths])
  const { default: ran } = (await import(paths[2]!, { with: { type: 'json' } })) as {
    default: {
      shape: number[]
      outputs: { name: string; type: string; shape: number[] }[]
      results: { semantic: number[]; center: number[]; offset: number[] }[]
    }
  }
  expect(ran.shape).toEqual([1, 3, 64, 64])
  expect(ran.outputs.map(({ name, type, shape }) => [name, type, shape])).toEqual([
    ['semantic', 'int32', [1, 64, 64]],
    ['center', 'float32', [1, 1, 64, 64]],
    ['offset', 'float32', [1, 2, 64, 64]],
  ])
  const decode = JSON.parse(metadata(file, 'postprocessing')) as object
  const counts = ran.results.map(({ semantic, center, offset }, index) => {
    const maps = { height: 64, width: 64, semantic: Int32Array.from(semantic), center: Float32Array.from(center), offset: Float32Array.from(offset) } // prettier-ignore
    return scoreScene(set, index, decodePanoptic(maps, set.categories, decode))
  })
  expect(scoresOf(imageStatistics(counts, set.categories.length), set)).toEqual(expected)
})

test('an exported model says what scoring did with images that it does not', async () => {
  const dir = temporaryDir()
  const set = await openShapes({ cacheDir: dir, split: 'val', size: 32, train: 1, val: 2, heldout: 1 })
  const trial = { seed: 1, device: cpu, signal: new AbortController().signal, maxSteps: 1, dir }
  const each = { mean: [0.5, 0.5, 0.5], deviation: [0.25, 0.25, 0.25] } as const
  const normalisation = { domains: { day: each, night: each }, others: each }
  const run = trainModel({ trial, set, crop: 32, batch: 1, every: 1, normalisation, resize: { short: 48, long: 96 } })
  await run.next()
  await run.return()

  const { file, notes } = await exportOnnx(checkpointFile(dir))
  expect(notes).toEqual([
    'it normalises all images alike; in training each of 2 domains was by itself',
    'it was scored on images of 48 pixels on the shorter side, of at most 96 pixels on the longer one: resize them so',
  ])
  expect(JSON.parse(metadata(file, 'resize'))).toEqual({ short: 48, long: 96 })
})

/** A text of the file's metadata: in protobuf its key is followed by field 2 and a length. */
function metadata(file: Uint8Array, key: string): string {
  const bytes = Buffer.from(file)
  let at = bytes.lastIndexOf(key) + key.length + 1
  let [length, shift] = [0, 0]
  for (;;) {
    const byte = bytes[at++]!
    length |= (byte & 127) << shift
    shift += 7
    if (byte < 128) break
  }
  return bytes.toString('utf8', at, at + length)
}
