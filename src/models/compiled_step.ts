import type { Device } from '../trial.ts'
import type { Batch } from './batch.ts'
import type { Network, TrainState } from './checkpoint.ts'
import { floats, type Inputs } from './engines/session.ts'
import type { ParamGroup } from './param_groups.ts'
import type { StepResult } from './step_result.ts'
import type { Hyper } from './step_values.ts'

/** Training steps of one structure, ready to run on a device. They keep no state. */
export interface CompiledSteps {
  /** What its state is of: the network, and what its losses learn. */
  readonly network: Network
  /** Takes a step for each of `hypers`. */
  run(state: TrainState, batches: Batches, hypers: readonly Hyper[]): Promise<Taken>
  close(): Promise<void>
}

/** Where batches come from, and who wants to know the losses of their scenes. */
export interface Batches {
  next(): Promise<Batch>
  heed(losses: Float32Array): void
}

/** The state after some steps, and what each of them found. */
export interface Taken {
  readonly state: TrainState
  readonly results: readonly StepResult[]
}

export interface CompileOptions {
  readonly device: Device
  readonly seed: number
  readonly groups: readonly ParamGroup[]
  /** Steps that one run takes, at most. */
  readonly stepsPerRun: number
  /** Batches a step. */
  readonly accumulate: number
  /** Decay of the weights' moving average. */
  readonly average: number | undefined
}

/** What came out is what goes in next: no copy is made. */
export function nextState(before: TrainState, after: Inputs, steps: number): TrainState {
  const slots = Object.keys(before.slots).map((slot) => [slot, floats(after, slot)] as const)
  return {
    step: before.step + steps,
    weights: floats(after, 'weights'),
    buffers: after['buffers'] ? floats(after, 'buffers') : before.buffers,
    slots: Object.fromEntries(slots),
    told: before.told,
  }
}
