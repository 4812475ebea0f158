import { nearest, TuneError } from '../errors.ts'
import type { Device } from '../trial.ts'
import type { BatchStream } from './batch_stream.ts'
import type { Network, TrainState } from './checkpoint.ts'
import type { CompiledSteps } from './compiled_step.ts'
import { parseLosses, type LossOptions } from './losses/options.ts'
import { TERMS } from './losses/terms.ts'
import type { Model } from './model.ts'
import { parseClipping, type Clipping } from './optimizers/clip.ts'
import { optimizerOf, type OptimizerOptions } from './optimizers/optimizer.ts'
import type { ParamGroup } from './param_groups.ts'
import { joined, listening, type SceneLosses } from './mined_scenes.ts'
import { openPredictor, type Predictor } from './predictor.ts'
import { isWithin, slotsOf, type StepShape, type UpdateShape } from './train_step.ts'
import type { StepResult } from './step_result.ts'
import type { Hyper } from './step_values.ts'
import { compileSummedSteps } from './summed_steps.ts'
import { initialState, keptBy, movedState, networkOf } from './train_state.ts'
import { compileSteps } from './whole_steps.ts'

export interface TrainerOptions {
  readonly model: Model
  /** Images in each batch, and their size. */
  readonly batchSize: number
  readonly height: number
  readonly width: number
  readonly device: Device
  /** Initial weights and dropout come from this. */
  readonly seed: number
  readonly losses?: LossOptions
  /** Default `adamw`. */
  readonly optimizer?: OptimizerOptions | OptimizerOptions['kind']
  /** What of a gradient `Hyper.clip` limits. Default `norm`, its whole length. */
  readonly clipping?: Clipping
  /** Parameters with a learning rate or weight decay of their own. */
  readonly groups?: readonly ParamGroup[]
  /** Batches that a step takes the mean gradient of. Default 1. */
  readonly accumulate?: number
  /**
   * Decay of a moving average of the weights that predictions are made with, below 1. Default: none, the weights
   * themselves predict.
   */
  readonly average?: number
  /** Whether the batches' stream is told what each scene adds to the loss, for hard-example mining. Default false. */
  readonly isMined?: boolean
  /** Where to go on. Default: at step 0, with weights drawn from the seed; so is what is left out. */
  readonly start?: { readonly network: Network; readonly state: Partial<TrainState> }
  /** Steps that one run of the device takes. Default 1; more keep the state on a GPU in between. */
  readonly stepsPerRun?: number
}

/** A network in training. It runs on the thread that calls it; other events get their turn before every step. */
export interface Trainer {
  /**
   * Takes a step for each of `hypers`, whose losses and frozen parts are the same. Throws a `DivergedError` when a loss or
   * a gradient is not finite; the state stays as it was before.
   */
  steps(batches: Pick<BatchStream, 'next'>, hypers: readonly Hyper[]): Promise<readonly StepResult[]>
  /** All that the training has become, and the network that it is of. Its arrays are never written again. */
  state(): { readonly network: Network; readonly state: TrainState }
  /** Opens this network for predictions, with the weights that it has whenever it is asked. */
  predictor(height: number, width: number, batch: number): Promise<Predictor>
  close(): Promise<void>
}

/** Sets up a network for training. The same seed and the same batches give bitwise the same weights. */
export async function openTrainer(options: TrainerOptions): Promise<Trainer> {
  const { model, batchSize: size, height, width, device, seed, groups = [], average } = options
  const { accumulate = 1, stepsPerRun = 1, isMined = false } = options
  const losses = parseLosses(options.losses ?? {}, model.classes)
  const update: UpdateShape = {
    optimizer: optimizerOf(options.optimizer),
    clipping: parseClipping(options.clipping),
    isAveraged: average !== undefined,
  }
  const bare = networkOf(model)
  let network = options.start?.network ?? bare
  let state: TrainState = { ...initialState(network, seed, slotsOf(update)), ...options.start?.state }
  const scenes: SceneLosses = { told: [state.told], unheard: undefined }
  let current: { readonly key: string; readonly steps: CompiledSteps } | undefined

  /** The steps for some weights and frozen parts. Only another structure compiles again, and takes the state along. */
  const stepsFor = async ({ weights, frozen = [] }: Hyper): Promise<CompiledSteps> => {
    const key = JSON.stringify([TERMS.filter((name) => (weights[name] ?? 0) > 0), frozen])
    if (current?.key === key) return current.steps
    checkParts(bare, frozen)
    await current?.steps.close()
    const shape: StepShape = { model, size, height, width, losses, weights, frozen, isMined }
    const compile = accumulate > 1 ? compileSummedSteps : compileSteps
    const steps = await compile(shape, update, { device, seed, groups, stepsPerRun, accumulate, average })
    current = { key, steps }
    state = movedState(state, network, steps.network, seed)
    network = steps.network
    return steps
  }
  return {
    async steps(batches, hypers) {
      const [hyper] = hypers
      if (!hyper) return []
      const compiled = await stepsFor(hyper)
      const taken = await compiled.run(state, listening(batches, scenes), hypers)
      state = taken.state
      return taken.results
    },
    state: () => ({ network, state: { ...state, told: joined(scenes.told) } }),
    predictor: (height, width, batch) => {
      return openPredictor({ model, height, width, batch, device }, () => keptBy(state, bare))
    },
    close: async () => current?.steps.close(),
  }
}

/** Throws `params/invalid` for a part to freeze that a network has not. */
export function checkParts({ parameters }: Network, frozen: readonly string[]): void {
  for (const part of frozen) {
    if (parameters.some(({ name }) => isWithin(name, part))) continue
    const layers = [...new Set(parameters.flatMap(({ name }) => layersOf(name)))]
    const near = nearest(part, layers)
    throw new TuneError('params/invalid', `'${part}' is to be frozen, but the network has no such part`, {
      hint: near ? `did you mean '${near}'?` : `its parts are ${layers.filter((one) => !one.includes('.')).join(', ')}`,
    })
  }
}

/** `a.b.weight` lies in `a` and `a.b`. */
function layersOf(name: string): readonly string[] {
  const parts = name.split('.')
  return parts.slice(0, -1).map((_, i) => parts.slice(0, i + 1).join('.'))
}
