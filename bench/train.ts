/*
 * One training step against PyTorch: the same network, losses, clipping and AdamW on one thread, by process CPU time.
 *   npm run bench -- train [--rounds 7] [--steps 10] [--batch 8] [--side 128] [--decoder 64] [--loss-stride 4]
 * PyTorch comes from Debian (`apt-get install python3-torch`) or from $PYTHON; without it ours is measured alone.
 */
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline/promises'
import { parseArgs } from 'node:util'
import type { Batch } from '../src/models/batch.ts'
import { openSession } from '../src/models/engines/open.ts'
import { floats } from '../src/models/engines/session.ts'
import { panopticDeepLab } from '../src/models/panoptic_deeplab.ts'
import { gradientGraph, LOSSES } from '../src/models/train_step.ts'
import { openTrainer, type Hyper } from '../src/models/trainer.ts'
import { stream } from '../src/rng.ts'

const CLASSES = 8
const TARGET = 1.4
const TOLERANCE = { losses: 1e-4, gradient: 1e-3 }
const hyper: Hyper = { lr: 1e-3, weightDecay: 0.01, clip: 10, weights: { semantic: 1, center: 200, offset: 0.01 } }
const device = { kind: 'cpu', index: 0, threads: 1 } as const

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '7' },
    steps: { type: 'string', default: '10' },
    batch: { type: 'string', default: '8' },
    side: { type: 'string', default: '128' },
    decoder: { type: 'string', default: '64' },
    'loss-stride': { type: 'string', default: '4' },
  },
})
const { rounds, steps, batch: batchSize, side, decoder } = numbers(values)
const lossStride = values['loss-stride'] === '1' ? 1 : 4

const model = panopticDeepLab({ classes: CLASSES, decoder, lossStride })
const batch = noise(batchSize, side)
const trainer = await openTrainer({ model, batchSize, height: side, width: side, device, seed: 1 })
const weights = trainer.weights()
console.log(
  `${weights.length} parameters, batch ${batchSize}, ${side}x${side}, losses at stride ${lossStride}, one thread`,
)

const torch = await openTorch()
if (torch) await compareGradients(torch)
const ours: number[] = []
const theirs: number[] = []
await measureOurs(3)
await torch?.measure(3)
for (let round = 0; round < rounds; round++) {
  ours.push(await measureOurs(steps))
  if (torch) theirs.push(await torch.measure(steps))
}
torch?.close()
await trainer.close()

console.log(`ours     ${median(ours).toFixed(1)} ms CPU a step, median of ${rounds} rounds (${format(ours)})`)
if (torch) {
  const ratio = median(ours.map((value, i) => value / theirs[i]!))
  console.log(`PyTorch  ${median(theirs).toFixed(1)} ms CPU a step (${format(theirs)})`)
  console.log(`ratio    ${ratio.toFixed(2)}, median of the rounds' ratios; at most ${TARGET} is asked`)
  if (ratio > TARGET) process.exitCode = 1
}

interface Torch {
  /** Its losses and flat gradient at our initial weights. */
  readonly losses: readonly number[]
  readonly gradient: Float32Array
  /** Takes some steps; CPU milliseconds a step. */
  measure(steps: number): Promise<number>
  close(): void
}

/** Starts PyTorch on our batch and weights; undefined where there is none. */
async function openTorch(): Promise<Torch | undefined> {
  const python = process.env['PYTHON'] ?? '/usr/bin/python3'
  if (spawnSync(python, ['-c', 'import torch']).status !== 0) {
    console.log(`no PyTorch for ${python}: measuring ours alone (apt-get install python3-torch, or set PYTHON)`)
    return undefined
  }
  const dir = mkdtempSync(join(tmpdir(), 'panoptune-bench-'))
  const graph = gradientGraph(model, batchSize, side, side)
  const { lossStride, hardPixels, stride } = model
  const { parameters } = graph
  writeFileSync(
    join(dir, 'bench.json'),
    JSON.stringify({ parameters, batchSize, side, lossStride, hardPixels, stride, hyper }),
  )
  for (const [name, array] of Object.entries({ ...batch, weights })) {
    if (typeof array !== 'number') writeFileSync(join(dir, `${name}.bin`), Buffer.from(array.buffer))
  }
  const child = spawn(python, ['bench/torch_step.py', dir], { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const answer = async () => {
    const { value, done } = await lines.next()
    if (done) throw new Error('PyTorch ended early')
    const parsed: { losses: number[]; cpuMs: number } = JSON.parse(value)
    return parsed
  }
  const { losses } = await answer()
  const gradient = new Float32Array(new Uint8Array(readFileSync(join(dir, 'gradient.bin'))).buffer)
  return {
    losses,
    gradient,
    async measure(steps) {
      child.stdin.write(`${steps}\n`)
      return (await answer()).cpuMs
    },
    close() {
      child.stdin.end()
      rmSync(dir, { recursive: true })
    },
  }
}

async function compareGradients({ losses, gradient }: Torch): Promise<void> {
  const session = await openSession(gradientGraph(model, batchSize, side, side), device)
  const { size: _, ...maps } = batch
  const factors = LOSSES.map((name) => [`${name}Factor`, Float32Array.of(hyper.weights[name])] as const)
  const results = await session.run({ ...maps, ...Object.fromEntries(factors), weights })
  await session.close()
  const own = LOSSES.map((name) => floats(results, `${name}Loss`)[0]!)
  const off = Math.max(...own.map((loss, i) => Math.abs(loss / losses[i]! - 1)))
  const actual = floats(results, 'gradient')
  const error = length(gradient.map((value, i) => value - actual[i]!)) / length(gradient)
  console.log(`losses ${own.map((loss) => loss.toFixed(5)).join(', ')}: off by ${off.toExponential(1)} from PyTorch's; gradient off by ${error.toExponential(1)}`) // prettier-ignore
  if (off > TOLERANCE.losses || error > TOLERANCE.gradient) process.exitCode = 1
}

async function measureOurs(steps: number): Promise<number> {
  const before = process.cpuUsage()
  for (let step = 0; step < steps; step++) await trainer.step(batch, hyper)
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000 / steps
}

function noise(size: number, side: number): Batch {
  const rng = stream(1, 'bench')
  const cells = size * (side / lossStride) ** 2
  return {
    size,
    images: draw(size * 3 * side * side, () => rng.normal()),
    semantic: Int32Array.from({ length: cells }, () => rng.below(CLASSES + 1) - 1),
    semanticWeights: draw(cells, () => 1 + 2 * rng.below(2)),
    center: draw(cells, () => rng.uniform()),
    centerWeights: draw(cells, () => rng.below(2)),
    offset: draw(2 * cells, () => 10 * rng.normal()),
    offsetWeights: draw(cells, () => rng.below(2)),
  }
}

function draw(count: number, next: () => number): Float32Array {
  return Float32Array.from({ length: count }, next)
}

function numbers<K extends string>(texts: Readonly<Record<K, string>>): Record<K, number> {
  const entries = Object.entries<string>(texts).map(([name, text]) => [name, Number(text)])
  return Object.fromEntries(entries)
}

function length(vector: Float32Array): number {
  return Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0))
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!
}

function format(values: readonly number[]): string {
  return values.map((value) => value.toFixed(1)).join(' ')
}
