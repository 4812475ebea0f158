import type { Network, TrainState } from './checkpoint.ts'
import { countOf } from './graph/bind.ts'
import { input, newGraph, sizeOf } from './graph/graph.ts'
import type { Model } from './model.ts'
import { AVERAGE } from './optimizers/average.ts'
import type { Kept } from './predictor.ts'
import { initialWeights } from './weights.ts'

/** What a model keeps, whatever it is trained with. */
export function networkOf({ divisor, forward }: Model): Network {
  const graph = newGraph()
  forward(input(graph, 'images', 'float32', [1, 3, divisor, divisor]))
  return graph
}

/** What a network predicts with: the average of its weights where one is kept, and nothing that only its losses learn. */
export function keptBy({ weights, buffers, slots }: TrainState, network: Network): Kept {
  return { weights: (slots[AVERAGE] ?? weights).subarray(0, countOf(network, 'parameters')), buffers }
}

/** The state before the first step: weights drawn from a seed, and slots of zeros. */
export function initialState(network: Network, seed: number, slots: readonly string[]): TrainState {
  const weights = initialWeights(network, seed)
  const zeros = slots.map((slot) => [slot, new Float32Array(weights.length)] as const)
  return {
    step: 0,
    weights,
    buffers: initialBuffers(network),
    slots: Object.fromEntries(zeros),
    told: new Float32Array(0),
  }
}

function initialBuffers({ buffers }: Network): Float32Array {
  return Float32Array.from(buffers.flatMap(({ shape, value }) => Array<number>(sizeOf(shape)).fill(value)))
}

/**
 * A state for a network that has some parameters more, or fewer, than the one that it is of: those that both have keep
 * what they were, new ones start as `seed` says. So a loss that comes or goes during a training takes its own along.
 */
export function movedState(state: TrainState, from: Network, to: Network, seed: number): TrainState {
  const names = ({ parameters }: Network) => parameters.map(({ name }) => name).join()
  if (names(from) === names(to)) return state
  const moved = (old: Float32Array, fresh: Float32Array) => {
    const parts = new Map<string, Float32Array>()
    let at = 0
    for (const { name, shape } of from.parameters) parts.set(name, old.subarray(at, (at += sizeOf(shape))))
    at = 0
    for (const { name, shape } of to.parameters) {
      fresh.set(parts.get(name) ?? [], at)
      at += sizeOf(shape)
    }
    return fresh
  }
  const weights = moved(state.weights, initialWeights(to, seed))
  const slots = Object.entries(state.slots).map(([slot, old]) => [slot, moved(old, new Float32Array(weights.length))])
  return { ...state, weights, slots: Object.fromEntries(slots) }
}
