import { stream } from '../rng.ts'
import type { Device } from '../trial.ts'
import type { Batch } from './batch.ts'
import type { Network, TrainState } from './checkpoint.ts'
import { openSession } from './engines/open.ts'
import { floats, type Inputs, type Results } from './engines/session.ts'
import { openSteps, type Steps } from './engines/steps.ts'
import { sizeOf, type Graph } from './graph/graph.ts'
import { TERMS, type LossWeights, type TermName } from './losses/terms.ts'
import { weightFactors, type ParamGroup } from './param_groups.ts'
import { accumulateGraph, newName, slotsOf, trainStepGraph, updateGraph } from './train_step.ts'
import type { StepShape, UpdateShape } from './train_step.ts'
import type { Hyper, StepResult } from './trainer.ts'

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
interface Taken {
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

/** Compiles steps that take one batch each, several steps a run, or several batches each. */
export function compileSteps(shape: StepShape, update: UpdateShape, options: CompileOptions): Promise<CompiledSteps> {
  return options.accumulate > 1 ? compileSums(shape, update, options) : compileWhole(shape, update, options)
}

async function compileWhole(shape: StepShape, update: UpdateShape, options: CompileOptions): Promise<CompiledSteps> {
  const graph = trainStepGraph(shape, update)
  const shared = { ...weightFactors(graph, options.groups) }
  const isCarried = new Set(graph.outputs.map(({ name }) => name))
  const names = ['weights', 'buffers', ...slotsOf(update)].filter((name) => isCarried.has(newName(name)))
  const carried = Object.fromEntries(names.map((name) => [name, newName(name)]))
  const open = (stepsPerRun: number) => openSteps(graph, options.device, { carried, shared, stepsPerRun })
  const whole = await open(options.stepsPerRun)
  let single: Steps | undefined = options.stepsPerRun === 1 ? whole : undefined
  return {
    network: graph,
    async run(before, batches, hypers) {
      let state = before
      const results: StepResult[] = []
      while (results.length < hypers.length) {
        const isWhole = hypers.length - results.length >= whole.stepsPerRun
        const steps = isWhole ? whole : (single ??= await open(1))
        const inputs: Inputs[] = []
        for (const hyper of hypers.slice(results.length, results.length + steps.stepsPerRun)) {
          const batch = await batches.next()
          // A batch is overwritten by the one after the next.
          const kept = steps.stepsPerRun > 1 ? structuredClone(batch) : batch
          const fed = { ...state, step: state.step + inputs.length }
          inputs.push({ ...fedBatch(kept, hyper), ...hyperValues(hyper, fed, options), ...noiseOf(graph, options.seed, fed.step) }) // prettier-ignore
        }
        const held = 'buffers' in carried ? {} : { buffers: state.buffers }
        const taken = await steps.run(
          { weights: state.weights, buffers: state.buffers, ...state.slots },
          inputs.map((input) => ({ ...input, ...held })),
        )
        const found = taken.results.map((result, i) => {
          return checked(stepResult(result, hypers[results.length + i]!), state.step + i + 1)
        })
        results.push(...found)
        for (const result of taken.results) if (shape.isMined) batches.heed(floats(result, 'sceneLosses'))
        state = nextState(state, taken.state, inputs.length)
      }
      return { state, results }
    },
    async close() {
      await whole.close()
      if (single !== whole) await single?.close()
    },
  }
}

async function compileSums(shape: StepShape, update: UpdateShape, options: CompileOptions): Promise<CompiledSteps> {
  const { device, seed, groups, accumulate } = options
  const graph = accumulateGraph(shape)
  const [sums, updates] = [await openSession(graph, device), await openSession(updateGraph(shape, update, accumulate), device)] // prettier-ignore
  const shared = { ...weightFactors(graph, groups) }
  const oneStep = async (before: TrainState, batches: Batches, hyper: Hyper): Promise<Taken> => {
    const { weights } = before
    let buffers = before.buffers
    let sum: Float32Array = new Float32Array(weights.length)
    const found: Results[] = []
    for (let i = 0; i < accumulate; i++) {
      const values = { ...fedBatch(await batches.next(), hyper), ...noiseOf(graph, seed, before.step, i) } // prettier-ignore
      const results = await sums.run({ ...values, weights, buffers, sum })
      sum = floats(results, 'newSum')
      if (results['newBuffers']) buffers = floats(results, 'newBuffers')
      found.push(results)
      if (shape.isMined) batches.heed(floats(results, 'sceneLosses'))
    }
    const after = await updates.run({
      ...shared,
      ...hyperValues(hyper, before, options),
      weights,
      ...before.slots,
      sum,
    })
    const result = { ...meanResult(found.map((each) => stepResult(each, hyper))), gradNorm: number(after, 'gradNorm') }
    const names = ['weights', ...slotsOf(update)]
    const state = Object.fromEntries(names.map((name) => [name, floats(after, newName(name))]))
    return { state: nextState(before, { ...state, buffers }, 1), results: [checked(result, before.step + 1)] }
  }
  return {
    network: graph,
    async run(before, batches, hypers) {
      let state = before
      const results: StepResult[] = []
      for (const hyper of hypers) {
        const taken = await oneStep(state, batches, hyper)
        state = taken.state
        results.push(...taken.results)
      }
      return { state, results }
    },
    async close() {
      await sums.close()
      await updates.close()
    },
  }
}

/** What came out is what goes in next: no copy is made. */
function nextState(before: TrainState, after: Inputs, steps: number): TrainState {
  const slots = Object.keys(before.slots).map((slot) => [slot, floats(after, slot)] as const)
  return {
    step: before.step + steps,
    weights: floats(after, 'weights'),
    buffers: after['buffers'] ? floats(after, 'buffers') : before.buffers,
    slots: Object.fromEntries(slots),
    told: before.told,
  }
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

function hyperValues({ lr, weightDecay, clip }: Hyper, { step }: TrainState, { average }: CompileOptions): Inputs {
  return {
    lr: Float32Array.of(lr),
    weightDecay: Float32Array.of(weightDecay),
    clip: Float32Array.of(clip),
    step: Float32Array.of(step + 1),
    averageDecay: Float32Array.of(average ?? 0),
  }
}

/** What dropout draws in a step. It follows from the seed and the step alone, so that a resumed training draws the same. */
function noiseOf({ noise }: Graph, seed: number, step: number, batch = 0): Inputs {
  const drawn = noise.map(({ name, shape }) => {
    const rng = stream(seed, 'noise', step, batch, name)
    return [name, Float32Array.from({ length: sizeOf(shape) }, () => rng.uniform())] as const
  })
  return Object.fromEntries(drawn)
}

function stepResult(results: Results, hyper: Hyper): StepResult {
  const gradNorm = 'gradNorm' in results ? number(results, 'gradNorm') : 0
  return { ...termsOf(results, hyper), total: number(results, 'total'), gradNorm }
}

/** The losses that were built, and what each was weighted with. */
export function termsOf(results: Results, { weights }: Pick<Hyper, 'weights'>): Pick<StepResult, 'losses' | 'weights'> {
  const terms = TERMS.filter((name) => `${name}Loss` in results)
  const weightOf = (name: TermName) => {
    return `${name}Weight` in results ? number(results, `${name}Weight`) : (weights[name] ?? 0)
  }
  return {
    losses: Object.fromEntries(terms.map((name) => [name, number(results, `${name}Loss`)])),
    weights: Object.fromEntries(terms.map((name) => [name, weightOf(name)])),
  }
}

/** The mean of some steps, term by term. */
export function meanResult(results: readonly StepResult[]): StepResult {
  const mean = (of: (result: StepResult) => number) => results.reduce((sum, one) => sum + of(one), 0) / results.length
  const terms = Object.keys(results[0]?.losses ?? {}) as TermName[]
  const each = (of: 'losses' | 'weights') => Object.fromEntries(terms.map((name) => [name, mean((one) => one[of][name] ?? 0)])) // prettier-ignore
  return {
    losses: each('losses'),
    weights: each('weights'),
    total: mean(({ total }) => total),
    gradNorm: mean(({ gradNorm }) => gradNorm),
  }
}

function number(results: Results, name: string): number {
  return floats(results, name)[0] ?? Number.NaN
}

/** NaN would spread to all weights and never leave: a trial that gets there has failed. */
function checked(result: StepResult, step: number): StepResult {
  const values = [...Object.entries(result.losses), ['total', result.total], ['gradNorm', result.gradNorm]] as const
  const bad = values.find(([, value]) => !Number.isFinite(value))
  if (!bad) return result
  const [term, value] = bad
  throw Object.assign(new Error(`diverged at step ${step}: ${term} is ${value}`), { name: 'DivergedError' })
}
