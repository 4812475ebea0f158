import { stream } from '../rng.ts'
import type { Device } from '../trial.ts'
import type { Batch } from './batch.ts'
import { describe } from './describe.ts'
import { gpuMemoryBytes } from './engines/nvidia.ts'
import { input, newGraph } from './graph/graph.ts'
import type { LossWeights } from './losses/terms.ts'
import type { Model } from './model.ts'
import { stepsPerRunOn } from './plan.ts'
import { median } from './probe.ts'
import { emptyTargets } from './targets.ts'
import { openTrainer } from './trainer.ts'
import { buildModel, type ModelOptions } from './zoo.ts'

/** What a network is measured with. */
export interface NetworkLoad {
  readonly model: ModelOptions
  readonly height: number
  readonly width: number
  /** Images of a step, and of a prediction. */
  readonly batch: number
  readonly device: Device
}

/** What a network costs. */
export interface NetworkCost {
  readonly parameters: number
  /** For one image, forward. */
  readonly macs: number
  /** For one image. */
  readonly activationBytes: number
  /** Seconds of a training step: the median of ten. */
  readonly step: number
  /** Seconds to predict one image of a batch: the median of ten. */
  readonly prediction: number
  /** Above what the process had before, at their peak; of the GPU with CUDA. */
  readonly memoryBytes: number
}

const CLASSES = 9
const THINGS = [0, 1, 2, 3, 4]
const WARM_UP = 3
const RUNS = 10
const HYPER = { lr: 1e-3, weightDecay: 1e-4, clip: 10 }

/** Trains a network for some steps on noise, for which time is the same as for pictures. Best in a process of its own. */
export async function networkCost({
  model: options,
  height,
  width,
  batch: size,
  device,
}: NetworkLoad): Promise<NetworkCost> {
  // prettier-ignore
  const model = buildModel(options, CLASSES, THINGS)
  const { parameters, macs, activationBytes } = describe(model, height, width)
  const used = () => (device.kind === 'cuda' ? gpuMemoryBytes(device.index) : peakBytes())
  const before = device.kind === 'cuda' ? await used() : process.memoryUsage.rss()
  const stepsPerRun = stepsPerRunOn(device)
  const trainer = await openTrainer({ model, batchSize: size, height, width, device, seed: 1, stepsPerRun })
  try {
    const batch = noise(size, height, width, model.stride)
    const weights = weightsFor(model)
    const hypers = Array.from({ length: stepsPerRun }, () => ({ ...HYPER, weights }))
    const run = await medianSeconds(() => trainer.steps({ next: async () => batch }, hypers))
    const predictor = await trainer.predictor(height, width, size)
    const prediction = await medianSeconds(() => predictor.predict(batch.images, size))
    const memoryBytes = (await used()) - before
    await predictor.close()
    return { parameters, macs, activationBytes, step: run / stepsPerRun, prediction: prediction / size, memoryBytes }
  } finally {
    await trainer.close()
  }
}

/** Each head has its loss. */
function weightsFor({ forward, divisor }: Model): LossWeights {
  const { center } = forward(input(newGraph(), 'images', 'float32', [1, 3, divisor, divisor]))
  return center ? { semantic: 1, center: 200, offset: 0.01 } : { semantic: 1 }
}

/** The most that this process has ever had. */
async function peakBytes(): Promise<number> {
  return process.resourceUsage().maxRSS * 1024
}

async function medianSeconds(run: () => Promise<unknown>): Promise<number> {
  const seconds: number[] = []
  for (let i = 0; i < WARM_UP + RUNS; i++) {
    const start = performance.now()
    await run()
    seconds.push((performance.now() - start) / 1000)
  }
  return median(seconds.slice(WARM_UP))
}

function noise(size: number, height: number, width: number, stride: number): Batch {
  const rng = stream(1, 'noise')
  const targets = emptyTargets(size, height, width, stride)
  for (const name of ['semanticWeights', 'center', 'centerWeights', 'offset', 'offsetWeights'] as const) {
    targets[name].forEach((_, i, values) => (values[i] = rng.uniform()))
  }
  targets.semantic.forEach((_, i, values) => (values[i] = rng.below(CLASSES)))
  return { ...targets, images: Float32Array.from({ length: size * 3 * height * width }, () => rng.normal()) }
}
