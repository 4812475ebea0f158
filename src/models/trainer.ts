import type { Device } from '../trial.ts'
import type { Batch } from './batch.ts'
import { openSession } from './engines/open.ts'
import { floats, type Results, type Values } from './engines/session.ts'
import type { Model } from './model.ts'
import { openPredictor, type Predictor } from './predictor.ts'
import { LOSSES, trainStepGraph } from './train_step.ts'
import { decayMask, initialWeights, learningRateScale } from './weights.ts'

export interface TrainerOptions {
  readonly model: Model
  /** Images in each batch, and their size. */
  readonly batchSize: number
  readonly height: number
  readonly width: number
  readonly device: Device
  /** The initial weights come from this. */
  readonly seed: number
  /** Factors of the learning rate for parts of the network. Default: 1. */
  readonly lrMultipliers?: { readonly backbone: number }
}

/** What one step is taken with; all of it may change from step to step. */
export interface Hyper {
  readonly lr: number
  readonly weightDecay: number
  /** Largest norm of the gradient; longer ones are shortened to it. */
  readonly clip: number
  /** Factors of the three losses. */
  readonly weights: LossValues
}

interface LossValues {
  readonly semantic: number
  readonly center: number
  readonly offset: number
}

/** The losses of the batch before the step, and the norm of their gradient before clipping. */
export interface StepResult extends LossValues {
  /** The losses' weighted sum, which the step lowers. */
  readonly total: number
  readonly gradNorm: number
}

/** A network in training. It runs on the thread that calls it; other events get their turn before every step. */
export interface Trainer {
  /** Takes one step. Throws a `DivergedError` when a loss or the gradient is not finite; the weights stay as they were. */
  step(batch: Batch, hyper: Hyper): Promise<StepResult>
  /** A copy of all weights, in the order of the network's parameters. */
  weights(): Float32Array
  /** Opens this network for predictions, with the weights that it has whenever it is asked. */
  predictor(height: number, width: number, batch: number): Promise<Predictor>
  close(): Promise<void>
}

/** Sets up a network for training. The same seed and the same batches give bitwise the same weights. */
export async function openTrainer(options: TrainerOptions): Promise<Trainer> {
  const { model, batchSize, height, width, device, seed, lrMultipliers = {} } = options
  const graph = trainStepGraph(model, batchSize, height, width)
  const session = await openSession(graph, device)
  const fixed = { lrScale: learningRateScale(graph, lrMultipliers), decays: decayMask(graph) }

  let weights: Float32Array = initialWeights(graph, seed)
  let momentum: Float32Array = new Float32Array(weights.length)
  let variance: Float32Array = new Float32Array(weights.length)
  let steps = 0

  return {
    async step(batch, hyper) {
      const results = await session.run({
        ...fixed,
        ...targets(batch),
        ...factors(hyper),
        weights,
        momentum,
        variance,
        step: Float32Array.of(steps + 1),
      })
      const losses = summary(results, hyper.weights)
      checkFinite(losses, steps + 1)
      steps += 1
      // What came out is what goes in next: no copy is made.
      weights = floats(results, 'newWeights')
      momentum = floats(results, 'newMomentum')
      variance = floats(results, 'newVariance')
      return losses
    },
    weights: () => weights.slice(),
    predictor: (height, width, batch) => openPredictor({ model, height, width, batch, device }, () => weights),
    close: () => session.close(),
  }
}

function targets(batch: Batch): Record<string, Values> {
  const { images, semantic, semanticWeights, center, centerWeights, offset, offsetWeights } = batch
  return { images, semantic, semanticWeights, center, centerWeights, offset, offsetWeights }
}

function factors({ lr, weightDecay, clip, weights }: Hyper): Record<string, Values> {
  return {
    lr: Float32Array.of(lr),
    weightDecay: Float32Array.of(weightDecay),
    clip: Float32Array.of(clip),
    ...Object.fromEntries(LOSSES.map((name) => [`${name}Factor`, Float32Array.of(weights[name])])),
  }
}

function summary(results: Results, weights: LossValues): StepResult {
  const scalar = (name: string) => floats(results, name)[0] ?? Number.NaN
  const [semantic, center, offset] = [scalar('semanticLoss'), scalar('centerLoss'), scalar('offsetLoss')]
  const gradNorm = scalar('gradNorm')
  const total = weights.semantic * semantic + weights.center * center + weights.offset * offset
  return { semantic, center, offset, total, gradNorm }
}

/** NaN would spread to all weights and never leave: a trial that gets there has failed. */
function checkFinite(result: StepResult, step: number): void {
  const bad = Object.entries(result).find(([, value]) => !Number.isFinite(value))
  if (!bad) return
  const [term, value] = bad
  throw Object.assign(new Error(`diverged at step ${step}: ${term} is ${value}`), { name: 'DivergedError' })
}
