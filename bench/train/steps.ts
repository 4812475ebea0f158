import { openSession } from '../../src/models/engines/open.ts'
import { floats } from '../../src/models/engines/session.ts'
import type { Batch } from '../../src/models/batch.ts'
import { parseLosses } from '../../src/models/losses/options.ts'
import type { Model } from '../../src/models/model.ts'
import { gradientGraph } from '../../src/models/train_step.ts'
import { openTrainer, type Trainer } from '../../src/models/trainer.ts'
import { HYPER, madeBatch } from './made.ts'
import { CLASSES, NETS, type Net } from './nets.ts'
import { cpuMs, median, type Row } from './row.ts'
import { openTorch, type Torch } from './torch.ts'

export const CPU = { kind: 'cpu', index: 0, threads: 1 } as const

/** What the gradient of the same network at the same weights may be off by, relative to its length. */
const TOLERANCE = { losses: 1e-4, gradient: 1e-2 }

export interface Scale {
  readonly rounds: number
  /** Steps a round. */
  readonly steps: number
  readonly batchSize: number
  readonly side: number
}

/** One training step, and for the GroupNorm net a prediction as scoring makes it, against PyTorch's, in turns. */
export async function stepRows(name: string, withTorch: boolean, scale: Scale): Promise<readonly Row[]> {
  const net = NETS[name]!
  const { batchSize, side } = scale
  const batch = madeBatch(batchSize, side, net.model.stride)
  const trainer = await openNet(net.model, scale)
  const { network, state } = trainer.state()
  const torch = withTorch ? await openTorch(net, batch, side, network.parameters, state.weights) : undefined
  if (torch) await compareGradients(net, torch, batch, side, state)
  const predictor = await trainer.predictor(side, side, batchSize)
  try {
    const step = await inTurns(() => trainer.steps(endless(batch), [HYPER]), 'step', torch, scale)
    const rows = [row(net.what, step, net.bound)]
    if (name === 'plain' || name === 'dual') return rows
    const predict = await inTurns(() => predictor.predict(batch.images, batchSize), 'predict', torch, scale)
    return [...rows, row('  prediction for scoring', predict, 1)]
  } finally {
    torch?.close()
    await predictor.close()
    await trainer.close()
  }
}

export function openNet(model: Model, { batchSize, side }: Pick<Scale, 'batchSize' | 'side'>): Promise<Trainer> {
  return openTrainer({ model, batchSize, height: side, width: side, device: CPU, seed: 1 })
}

export function endless(batch: Batch) {
  return { next: async () => batch }
}

interface Measured {
  readonly ours: readonly number[]
  readonly theirs: readonly number[]
}

async function inTurns(
  work: () => Promise<unknown>,
  what: 'step' | 'predict',
  torch: Torch | undefined,
  { rounds, steps }: Scale,
): Promise<Measured> {
  const [ours, theirs]: number[][] = [[], []]
  // The first run takes memory, which costs time once.
  await cpuMs(3, work)
  await torch?.measure(what, 3)
  for (let round = 0; round < rounds; round++) {
    ours!.push(await cpuMs(steps, work))
    if (torch) theirs!.push(await torch.measure(what, steps))
  }
  return { ours: ours!, theirs: theirs! }
}

/** Other work on the machine disturbs both sides of a round alike: the ratio is that of the rounds. */
function row(what: string, { ours, theirs }: Measured, bound: number): Row {
  const value = theirs.length > 0 ? median(ours.map((ms, i) => ms / theirs[i]!)) : Number.NaN
  return { what, ours: format(ours), theirs: theirs.length > 0 ? format(theirs) : '', value, bound, sense: 'at most' }
}

async function compareGradients(
  { what, model }: Net,
  torch: Torch,
  batch: Batch,
  side: number,
  { weights, buffers }: { readonly weights: Float32Array; readonly buffers: Float32Array },
): Promise<void> {
  const losses = parseLosses({}, CLASSES)
  const shape = { model, size: batch.size, height: side, width: side, losses, weights: HYPER.weights, frozen: [] }
  const session = await openSession(gradientGraph(shape), CPU)
  const { size: _, ...maps } = batch
  const names = ['semantic', 'center', 'offset'] as const
  const factors = Object.fromEntries(names.map((name) => [`${name}Factor`, Float32Array.of(HYPER.weights[name]!)]))
  const results = await session.run({ ...maps, ...factors, weights, buffers })
  await session.close()
  const off = Math.max(...names.map((name, i) => Math.abs(floats(results, `${name}Loss`)[0]! / torch.losses[i]! - 1)))
  const actual = floats(results, 'gradient')
  const error = length(torch.gradient.map((value, i) => value - actual[i]!)) / length(torch.gradient)
  if (off <= TOLERANCE.losses && error <= TOLERANCE.gradient) return
  throw new Error(`${what} is another network than PyTorch's: losses off by ${off}, gradient by ${error}`)
}

function length(vector: Float32Array): number {
  return Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0))
}

function format(values: readonly number[]): string {
  return `${median(values).toFixed(1)} ms`
}
