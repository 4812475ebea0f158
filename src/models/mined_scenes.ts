import type { BatchStream } from './batch_stream.ts'
import type { Batches } from './compiled_step.ts'

/** The losses of scenes: all that were told, and those that the stream of batches has yet to hear. */
export interface SceneLosses {
  readonly told: Float32Array[]
  unheard: Float32Array | undefined
}

/** Hands the losses of a batch to the stream when it is asked for the next one. */
export function listening(batches: Pick<BatchStream, 'next'>, scenes: SceneLosses): Batches {
  return {
    next: async () => {
      const losses = scenes.unheard
      scenes.unheard = undefined
      return batches.next(losses)
    },
    heed(losses) {
      scenes.told.push(losses)
      scenes.unheard = losses
    },
  }
}

/** One after another. */
export function joined(parts: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}
