import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline/promises'
import { averagePrecision } from '../../src/eval/ap.ts'
import { rleFromCounts, stringOf } from '../../src/eval/coco_rle.ts'
import { readInstances, type IouType } from '../../src/eval/instances_json.ts'
import { areaOf, boxesOf } from '../../src/eval/instance_overlap.ts'
import { stream, type Rng } from '../../src/rng.ts'
import { cpuMs, median, type Row } from './row.ts'

const [HEIGHT, WIDTH, IMAGES] = [480, 640, 200]
const PYTHON = process.env['PYTHON'] ?? '/usr/bin/python3'
const ROUNDS = 7
/** At least. */
const TARGETS = { segm: 4, bbox: 8 } as const

/**
 * AP of masks and boxes on 200 images of COCO's size against pycocotools: from the files to the 12 numbers, in turns. It
 * is found by $PYTHON (default /usr/bin/python3) and $PYTHONPATH, as `PYTHONPATH=cocoapi/PythonAPI npm run bench -- eval`.
 */
export async function rows(): Promise<readonly Row[]> {
  const dir = mkdtempSync(join(tmpdir(), 'panoptune-bench-'))
  try {
    writeSet(dir)
    const measured = [await row('segm', dir), await row('bbox', dir)]
    if (measured.some((each) => each.ratio === undefined)) {
      console.log(`no pycocotools for ${PYTHON}: AP is measured alone (set PYTHON or PYTHONPATH)`)
    }
    return measured
  } finally {
    rmSync(dir, { recursive: true })
  }
}

async function row(iou: IouType, dir: string): Promise<Row> {
  const [truth, detections] = [join(dir, 'gt.json'), join(dir, `${iou}.json`)]
  const reference = await openReference(truth, detections)
  const ours = () => averagePrecision(readInstances(truth, detections, iou))
  for (let i = 0; i < 5; i++) ours()
  const [own, theirs]: [number[], number[]] = [[], []]
  for (let round = 0; round < ROUNDS; round++) {
    own.push(cpuMs(ours))
    if (!reference) continue
    const expected = await reference.score(iou)
    theirs.push(expected.ms)
    const off = Math.max(...ours().stats.map((value, i) => Math.abs(value - expected.stats[i]!)))
    if (!(off < 1e-9)) throw new Error(`AP of ${iou} is off by ${off} from pycocotools'`)
  }
  reference?.close()
  const what = `AP ${iou === 'segm' ? 'masks' : 'boxes'}, ${IMAGES} images`
  const base = { what, ours_ms: median(own), target: TARGETS[iou] }
  if (theirs.length === 0) return base
  return { ...base, reference_ms: median(theirs), ratio: median(theirs.map((ms, i) => ms / own[i]!)) }
}

interface Reference {
  score(iou: IouType): Promise<{ readonly ms: number; readonly stats: readonly number[] }>
  close(): void
}

/** Starts pycocotools; undefined where there is none. */
async function openReference(truth: string, detections: string): Promise<Reference | undefined> {
  const script = join('bench', 'eval', 'ap_reference.py')
  const child = spawn(PYTHON, ['-W', 'ignore', script, truth, detections], { stdio: ['pipe', 'pipe', 'ignore'] })
  child.on('error', () => {})
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  if ((await lines.next()).value !== 'ready') {
    return undefined
  }
  return {
    async score(iou) {
      child.stdin.write(`${iou}\n`)
      const { value, done } = await lines.next()
      if (done) throw new Error('pycocotools ended early')
      const answer: { ms: number; stats: number[] } = JSON.parse(value)
      return answer
    },
    close: () => child.stdin.end(),
  }
}

/** About 1500 instances of 80 categories, three detections each as a network makes them: near, doubled, or elsewhere. */
function writeSet(dir: string): void {
  const rng = stream(1, 'bench', 'ap')
  const images = Array.from({ length: IMAGES }, (_, id) => ({ id, height: HEIGHT, width: WIDTH }))
  const [annotations, masks, boxes]: [object[], object[], object[]] = [[], [], []]
  for (const { id: image_id } of images) {
    for (let left = 1 + rng.below(14); left > 0; left--) {
      // A third of COCO's instances are people.
      const category_id = rng.uniform() < 0.3 ? 1 : 1 + rng.below(80)
      const outline = drawOutline(rng)
      const { area, ...shape } = shapeOf(outline)
      const iscrowd = Number(rng.uniform() < 0.01)
      annotations.push({ id: annotations.length + 1, image_id, category_id, iscrowd, area, ...shape })
      for (let n = 0; n < 3; n++) {
        const { segmentation, bbox } = shapeOf(rng.uniform() < 0.8 ? shaken(outline, rng) : drawOutline(rng))
        const detection = { image_id, category_id, score: rng.uniform() }
        masks.push({ ...detection, segmentation })
        boxes.push({ ...detection, bbox })
      }
    }
  }
  const categories = Array.from({ length: 80 }, (_, i) => ({ id: i + 1, name: `class ${i + 1}` }))
  writeFileSync(join(dir, 'gt.json'), JSON.stringify({ images, annotations, categories }))
  writeFileSync(join(dir, 'segm.json'), JSON.stringify(masks))
  writeFileSync(join(dir, 'bbox.json'), JSON.stringify(boxes))
}

/** Directions in which the border of a blob is computed. */
const HALF_TURN = 128

/** A blob: centre, radius and the waves of its border. */
interface Outline {
  readonly x: number
  readonly y: number
  readonly radius: number
  readonly waves: readonly number[]
}

function drawOutline(rng: Rng): Outline {
  // COCO's sizes: four in ten are small, a quarter is large.
  const radius = 6 * 25 ** (rng.uniform() ** 1.2)
  const waves = Array.from({ length: 6 }, () => 0.15 * rng.normal())
  return { x: WIDTH * rng.uniform(), y: HEIGHT * rng.uniform(), radius, waves }
}

function shaken({ x, y, radius, waves }: Outline, rng: Rng): Outline {
  const by = 0.15 * rng.uniform()
  return {
    x: x + by * radius * rng.normal(),
    y: y + by * radius * rng.normal(),
    radius: radius * (1 + 0.5 * by * rng.normal()),
    waves: waves.map((wave) => wave + 0.1 * by * rng.normal()),
  }
}

/** Its mask as runs down the columns, its box and its area. */
function shapeOf({ x, y, radius, waves }: Outline) {
  const borders = Float64Array.from({ length: 2 * HALF_TURN + 1 }, (_, direction) => {
    const angle = (direction / HALF_TURN - 1) * Math.PI
    return radius * waves.reduce((sum, wave, i) => sum + wave * Math.sin((i + 1) * angle + i), 1)
  })
  const reach = 2 * radius
  const counts: number[] = []
  let [end, before] = [0, false]
  const turn = (at: number) => {
    counts.push(at - end)
    end = at
    before = !before
  }
  for (let column = Math.max(0, Math.floor(x - reach)); column < Math.min(WIDTH, x + reach); column++) {
    for (let row = Math.max(0, Math.floor(y - reach)); row < Math.min(HEIGHT, y + reach); row++) {
      const border = borders[Math.floor((Math.atan2(row - y, column - x) / Math.PI + 1) * HALF_TURN)]!
      const inside = (row - y) ** 2 + (column - x) ** 2 <= border ** 2
      if (inside !== before) turn(column * HEIGHT + row)
    }
    if (before) turn(column * HEIGHT + Math.min(HEIGHT, Math.ceil(y + reach)))
  }
  counts.push(HEIGHT * WIDTH - end)
  const rle = rleFromCounts(counts, HEIGHT, WIDTH)
  return {
    segmentation: { size: [HEIGHT, WIDTH], counts: stringOf(rle) },
    bbox: [...boxesOf([rle])],
    area: areaOf(rle),
  }
}
