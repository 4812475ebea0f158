import type { TrainState } from './checkpoint.ts'
import { nextState, type Batches, type CompiledSteps, type CompileOptions, type Taken } from './compiled_step.ts'
import { openSession } from './engines/open.ts'
import { floats, type Results } from './engines/session.ts'
import { weightFactors } from './param_groups.ts'
import { finite, meanResult, scalarOf, stepResult, type StepResult } from './step_result.ts'
import { fedBatch, fedHyper, noiseOf, type Hyper } from './step_values.ts'
import { accumulateGraph, newName, slotsOf, updateGraph, type StepShape, type UpdateShape } from './train_step.ts'

/** Compiles steps that take the mean gradient of several batches each. */
export async function compileSummedSteps(
  shape: StepShape,
  update: UpdateShape,
  options: CompileOptions,
): Promise<CompiledSteps> {
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
      ...fedHyper(hyper, before.step, options.average),
      weights,
      ...before.slots,
      sum,
    })
    const result = {
      ...meanResult(found.map((each) => stepResult(each, hyper))),
      gradNorm: scalarOf(after, 'gradNorm'),
    }
    const names = ['weights', ...slotsOf(update)]
    const state = Object.fromEntries(names.map((name) => [name, floats(after, newName(name))]))
    return { state: nextState(before, { ...state, buffers }, 1), results: [finite(result, before.step + 1)] }
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
