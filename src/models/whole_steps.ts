import type { StepResult } from './step_result.ts'
import { finite, stepResult } from './step_result.ts'
import { fedBatch, fedHyper, noiseOf } from './step_values.ts'
import { nextState, type CompiledSteps, type CompileOptions } from './compiled_step.ts'
import { floats, type Inputs } from './engines/session.ts'
import { openSteps, type Steps } from './engines/steps.ts'
import { weightFactors } from './param_groups.ts'
import { newName, slotsOf, trainStepGraph, type StepShape, type UpdateShape } from './train_step.ts'

/** Compiles steps that take one batch each, several in a run of the device where it is asked for. */
export async function compileSteps(
  shape: StepShape,
  update: UpdateShape,
  options: CompileOptions,
): Promise<CompiledSteps> {
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
          const step = state.step + inputs.length
          inputs.push({ ...fedBatch(kept, hyper), ...fedHyper(hyper, step, options.average), ...noiseOf(graph, options.seed, step) }) // prettier-ignore
        }
        const held = 'buffers' in carried ? {} : { buffers: state.buffers }
        const taken = await steps.run(
          { weights: state.weights, buffers: state.buffers, ...state.slots },
          inputs.map((input) => ({ ...input, ...held })),
        )
        const found = taken.results.map((result, i) => {
          return finite(stepResult(result, hypers[results.length + i]!), state.step + i + 1)
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
