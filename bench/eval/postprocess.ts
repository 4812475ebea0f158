import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Segment } from '../../src/data/image_set.ts'
import { emptyCounts } from '../../src/eval/pq.ts'
import { scoreScene } from '../../src/eval/score_scene.ts'
import { countSegments } from '../../src/eval/segments.ts'
import { decodeAggregate, newScratch } from '../../src/models/decode_aggregate.ts'
import { decodePanoptic, panopticIds, type HeadMaps } from '../../src/models/decode.ts'
import { preaggregate } from '../../src/models/preaggregate.ts'
import { stream } from '../../src/rng.ts'
import { cpuMs, median, type Row } from './row.ts'

const [HEIGHT, WIDTH, CENTERS, ROUNDS] = [480, 640, 20, 9]
const options = { threshold: 0.1, nmsKernel: 7, topK: 200, stuffArea: 2048 }
const TARGETS = { decode: 120, again: 30 }
/** 19 classes of which 8 are things, as Cityscapes has. */
const categories = Array.from({ length: 19 }, (_, id) => ({ id, name: `${id}`, isThing: id >= 11 }))

/**
 * Post-processing of one image of 640x480 against detectron2's own on one CPU thread of torch, the same in every pixel; and
 * a changed choice from an aggregate against decoding and scoring anew. The reference is found by $DETECTRON2, a checkout
 * of facebookresearch/detectron2, and run by $PYTHON (default python3), which needs torch and numpy.
 */
export async function rows(): Promise<readonly Row[]> {
  const maps = drawHeads()
  const decode = () => decodePanoptic(maps, categories, options)
  const [ours, full, again] = measure(maps, decode)
  const theirs = reference(maps)
  const base: Row = { what: 'post-processing of one image', ours_ms: ours, target: TARGETS.decode }
  const first = theirs === undefined ? base : { ...base, reference_ms: theirs, ratio: theirs / ours }
  const second: Row = {
    what: 'a re-scored trial, against decoding and scoring',
    ours_ms: again,
    reference_ms: full,
    ratio: full / again,
    target: TARGETS.again,
  }
  return [first, second]
}

/** Milliseconds to decode, to decode and score, and to score from an aggregate, in turns. */
function measure(maps: HeadMaps, decode: () => ReturnType<typeof decodePanoptic>): [number, number, number] {
  const { set, segments } = truthNear(decode())
  const aggregate = preaggregate(maps, set.labels, segments.length, categories)
  const scratch = newScratch()
  const decodeAndScore = () => scoreScene(set, 0, decode())
  const scoreAgain = () => {
    const counts = emptyCounts(categories)
    const { joint, segments: predicted } = decodeAggregate(aggregate, options, scratch)
    countSegments(joint, segments, predicted, counts)
    return counts
  }
  if (JSON.stringify(scoreAgain()) !== JSON.stringify(decodeAndScore()))
    throw new Error('the aggregate scores otherwise')
  const ways = [
    { run: decode, repeats: 5 },
    { run: decodeAndScore, repeats: 5 },
    { run: scoreAgain, repeats: 200 },
  ]
  const times = ways.map((): number[] => [])
  for (let round = -3; round < ROUNDS; round++) {
    for (const [i, { run, repeats }] of ways.entries()) {
      const ms = cpuMs(() => {
        for (let n = 0; n < repeats; n++) run()
      })
      if (round >= 0) times[i]!.push(ms / repeats)
    }
  }
  return [median(times[0]!), median(times[1]!), median(times[2]!)]
}

/** CPU milliseconds of detectron2's, after every pixel was compared, with and without a foreground mask. */
function reference(maps: HeadMaps): number | undefined {
  const { DETECTRON2 = '', PYTHON = 'python3' } = process.env
  const script = join(DETECTRON2, 'projects/Panoptic-DeepLab/panoptic_deeplab/post_processing.py')
  const dir = mkdtempSync(join(tmpdir(), 'panoptune-bench-'))
  const run = (shown: HeadMaps, rounds: number): number | undefined => {
    const bytes = ({ buffer, byteOffset, byteLength }: Int32Array | Float32Array | Uint8Array) =>
      new Uint8Array(buffer, byteOffset, byteLength)
    writeFileSync(join(dir, 'semantic.i32'), bytes(shown.semantic))
    writeFileSync(join(dir, 'center.f32'), bytes(shown.center))
    writeFileSync(join(dir, 'offset.f32'), bytes(shown.offset))
    if (shown.foreground) writeFileSync(join(dir, 'foreground.u8'), bytes(shown.foreground))
    const things = categories.filter(({ isThing }) => isThing).map(({ id }) => id)
    const input = JSON.stringify({ dir, height: HEIGHT, width: WIDTH, things, options, rounds })
    const args = ['bench/eval/postprocess_reference.py', script]
    const { status, stdout, stderr } = spawnSync(PYTHON, args, { input: `${input}\n`, encoding: 'utf8' })
    if (status !== 0) {
      console.log(`detectron2 cannot be run by ${PYTHON}: ${stderr.trim().split('\n').at(-1)}; our times alone`)
      return undefined
    }
    const want = readFileSync(join(dir, 'ids.i32'))
    if (!want.equals(bytes(panopticIds(decodePanoptic(shown, categories, options)))))
      throw new Error('post-processing differs from detectron2')
    const { ms }: { readonly ms: number[] } = JSON.parse(stdout)
    return median(ms)
  }
  try {
    if (DETECTRON2 === '' || !existsSync(script)) {
      console.log('$DETECTRON2 names no checkout of detectron2: our times alone')
      return undefined
    }
    const ms = run(maps, 5)
    if (ms !== undefined) run({ ...maps, foreground: Uint8Array.from(maps.center, (_, i) => Number(i % 97 < 40)) }, 1)
    return ms
  } finally {
    rmSync(dir, { recursive: true })
  }
}

/** Ground truth that the prediction meets a little off. */
function truthNear({ labels: predicted, segments: found }: ReturnType<typeof decodePanoptic>) {
  const shift = 3 * WIDTH + 3
  const labels = new Uint16Array(predicted.length)
  labels.set(predicted.subarray(0, -shift), shift)
  const segments = found.map(({ category }, i): Segment => {
    return { id: i + 1, category, isCrowd: false, area: labels.filter((label) => label === i + 1).length }
  })
  const scene = { imageId: 1, file: '1.png', height: HEIGHT, width: WIDTH, at: 0, segments }
  return { segments, set: { id: 'bench', categories, scenes: [scene], pixels: new Uint8Array(), labels } }
}

/** Outputs as a network's: stuff in bands, round things over them, offsets that miss by 2 pixels, warm noise everywhere. */
function drawHeads(): HeadMaps {
  const rng = stream(1, 'heads')
  const pixels = HEIGHT * WIDTH
  const band = (i: number) => Math.floor((6 * i) / pixels) + 5 * (Math.floor((4 * (i % WIDTH)) / WIDTH) % 2)
  const semantic = Int32Array.from({ length: pixels }, (_, i) => band(i))
  const center = Float32Array.from({ length: pixels }, () => 0.02 * rng.uniform())
  const offset = new Float32Array(2 * pixels)
  for (let n = 0; n < CENTERS; n++) {
    const [y, x] = [rng.uniform() * HEIGHT, rng.uniform() * WIDTH]
    const radius = (0.05 + 0.12 * rng.uniform()) * HEIGHT
    const category = 11 + rng.below(8)
    for (let i = 0; i < pixels; i++) {
      const [dy, dx] = [y - Math.floor(i / WIDTH), x - (i % WIDTH)]
      const square = dy * dy + dx * dx
      if (square < 24 * 24) center[i] = Math.max(center[i]!, 0.9 * Math.exp(-square / 128) + 0.01 * rng.uniform())
      if (square > radius * radius) continue
      semantic[i] = category
      offset[i] = dy + 2 * rng.normal()
      offset[i + pixels] = dx + 2 * rng.normal()
    }
  }
  return { height: HEIGHT, width: WIDTH, semantic, center, offset }
}
