import { stream } from '../rng.ts'
import type { Batch } from './batch.ts'
import type { Inputs } from './engines/session.ts'
import { sizeOf, type Graph } from './graph/graph.ts'
import { TERMS, type LossWeights } from './losses/terms.ts'

/** What one step is taken with; all of it may change from step to step. */
export interface Hyper {
  readonly lr: number
  readonly weightDecay: number
  /** Limit of the gradient, in the sense of the trainer's `clipping`. */
  readonly clip: number
  /** Factors of the losses. A loss of factor 0 is not built. */
  readonly weights: LossWeights
  /** Parts of the network that stay as they are, running statistics included: `backbone`. Default: none. */
  readonly frozen?: readonly string[]
}

/** All that a batch may be asked for; what nobody asks for is not fed. */
function valuesOf(batch: Batch): Inputs {
  const { images, semantic, semanticWeights, center, centerWeights, offset, offsetWeights, soft, instanceWeights } = batch // prettier-ignore
  return {
    images, semantic, semanticWeights, center, centerWeights, offset, offsetWeights,
    ...(soft && { teacher: soft }),
    ...(instanceWeights && { instanceWeights }),
  } // prettier-ignore
}

/** What losses are computed from, beside the network's own state. */
export function fedBatch(batch: Batch, { weights }: Pick<Hyper, 'weights'>): Inputs {
  return { ...valuesOf(batch), ...factorsOf(weights) }
}

function factorsOf(weights: LossWeights): Inputs {
  return Object.fromEntries(TERMS.map((name) => [`${name}Factor`, Float32Array.of(weights[name] ?? 0)]))
}

/** What an update is computed from, beside a gradient and the state: `step` counts from 0, `average` is a decay. */
export function fedHyper({ lr, weightDecay, clip }: Hyper, step: number, average: number | undefined): Inputs {
  return {
    lr: Float32Array.of(lr),
    weightDecay: Float32Array.of(weightDecay),
    clip: Float32Array.of(clip),
    step: Float32Array.of(step + 1),
    averageDecay: Float32Array.of(average ?? 0),
  }
}

/** What dropout draws in a step. It follows from the seed and the step alone, so that a resumed training draws the same. */
export function noiseOf({ noise }: Graph, seed: number, step: number, batch = 0): Inputs {
  const drawn = noise.map(({ name, shape }) => {
    const rng = stream(seed, 'noise', step, batch, name)
    return [name, Float32Array.from({ length: sizeOf(shape) }, () => rng.uniform())] as const
  })
  return Object.fromEntries(drawn)
}
