import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline/promises'
import { runsOfLabels } from '../../src/eval/joint.ts'
import { listJobs } from '../../src/eval/job_list.ts'
import { openEvalSet } from '../../src/eval/open_eval_set.ts'
import type { KernelName } from '../../src/eval/kernel.ts'
import { readPredictions, readTruth } from '../../src/eval/panoptic_json.ts'
import { emptyCounts, merge, panopticQuality, type Counts } from '../../src/eval/pq.ts'
import { scoreRuns } from '../../src/eval/score_runs.ts'
import { taskWorker, unpackCounts } from '../../src/eval/score_task.ts'
import { cpuMs, median, type Row } from './row.ts'
import { writeScenes } from './scene_files.ts'
import { categories, CLASSES, madeScene } from './scenes.ts'

const [IMAGES, ROUNDS] = [24, 7]
const TARGETS = { cached: 150, noisy: 60, dense: 60, png: 10 }

/** PQ of images of 640x480 against panopticapi in one process: CPU milliseconds an image, from either form of input. */
export async function rows(): Promise<readonly Row[]> {
  return [...(await compared('', false)), ...(await compared(', noisy masks', true))]
}

async function compared(what: string, isNoisy: boolean): Promise<readonly Row[]> {
  const dir = mkdtempSync(join(tmpdir(), 'panoptune-bench-'))
  const reference = openReference()
  try {
    const ways = await waysToScore(dir, isNoisy)
    const times = ways.map((): number[] => [])
    const theirs: number[] = []
    for (const { score } of ways) score() // warm
    for (let round = 0; round < ROUNDS; round++) {
      for (const [i, { repeats, score }] of ways.entries()) {
        const total = cpuMs(() => {
          for (let n = 0; n < repeats; n++) score()
        })
        times[i]!.push(total / repeats / IMAGES)
      }
      const result = await reference?.score(dir)
      if (!result) continue
      theirs.push(result.ms)
      for (const { name, score } of ways) {
        const own = panopticQuality(score().reduce(merge, emptyCounts(categories)), categories).All.pq ?? Number.NaN
        if (!(Math.abs(own - result.pq) < 1e-9)) throw new Error(`${name}: PQ is ${own}, panopticapi says ${result.pq}`)
      }
    }
    return ways.map(({ name, target }, i): Row => {
      const row = {
        what: `PQ, ${name}${what}`,
        ours_ms: median(times[i]!),
        target: isNoisy ? (target === TARGETS.cached ? TARGETS.noisy : 1) : target,
      }
      if (theirs.length === 0) return row
      return { ...row, reference_ms: median(theirs), ratio: median(theirs.map((ms, round) => ms / times[i]![round]!)) }
    })
  } finally {
    reference?.close()
    rmSync(dir, { recursive: true })
  }
}

/** Each scores all images once. */
async function waysToScore(dir: string, isNoisy: boolean) {
  const scenes = Array.from({ length: IMAGES }, (_, i) => madeScene(i, isNoisy))
  const files = writeScenes(dir, scenes)
  const set = await openEvalSet({ json: files.truthJson, pngDir: files.truthDir })
  const asRuns = scenes.map(({ width, height, prediction: { labels, segments } }) => ({
    runs: runsOfLabels(labels, { width, height, levels: segments.length + 2 }),
    segments,
  }))
  const predictions = readPredictions(files.predictionJson)
  const pairs = readTruth(files.truthJson).annotations.map((annotation) => ({ annotation, prediction: predictions.get(annotation.imageId)! })) // prettier-ignore
  const { memory } = set
  const worker = taskWorker({
    categories: set.categories,
    memory,
    predictionJson: files.predictionJson,
    jobs: listJobs(pairs, files),
  })
  const cached = (kernel: KernelName) => () => asRuns.map((prediction, i) => scoreRuns(set, i, prediction, { kernel }))
  const dense = (kernel: KernelName) => () =>
    scenes.map(({ prediction }, i) => scoreRuns(set, i, prediction, { kernel }))
  const ways: { name: string; target: number; repeats: number; score: () => readonly Counts[] }[] = [
    { name: 'both cached', target: TARGETS.cached, repeats: 80, score: cached('simd') },
    { name: 'both cached, plain JavaScript', target: TARGETS.cached, repeats: 80, score: cached('plain') },
    { name: 'dense prediction', target: TARGETS.dense, repeats: 30, score: dense('simd') },
    { name: 'dense prediction, plain JavaScript', target: 1, repeats: 10, score: dense('plain') },
    {
      name: 'PNG prediction',
      target: TARGETS.png,
      repeats: 5,
      score: () => unpackCounts(worker({ kind: 'score', images: [...scenes.keys()] }).counts, CLASSES),
    },
  ]
  return ways
}

/** panopticapi in a process of its own; undefined, and said so, where it is absent. */
function openReference() {
  const [python, path] = [process.env['PYTHON'] ?? 'python3', process.env['PANOPTICAPI']]
  if (path === undefined || !existsSync(join(path, 'panopticapi'))) {
    console.log('no panopticapi (set PANOPTICAPI to a checkout of cocodataset/panopticapi): our times alone')
    return undefined
  }
  const child = spawn(python, ['bench/eval/pq_reference.py', path], { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return {
    async score(dir: string): Promise<{ readonly ms: number; readonly pq: number }> {
      child.stdin.write(`${dir}\n`)
      for (;;) {
        const { value, done } = await lines.next()
        if (done) throw new Error('panopticapi ended early')
        if (value.startsWith('result ')) return JSON.parse(value.slice('result '.length))
      }
    },
    close: () => child.stdin.end(),
  }
}
