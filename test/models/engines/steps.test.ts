import { expect, test } from 'vitest'
import { floats, type Inputs, type Results } from '../../../src/models/engines/session.ts'
import { openSteps } from '../../../src/models/engines/steps.ts'
import { cpu } from '../graph/gradient_error.ts'
import { carried, tinyBatch, tinyState, tinyTraining } from './tiny_training.ts'

const graph = tinyTraining()
const shared = { lr: Float32Array.of(0.1) }

test('several training steps in one run are bitwise those of one run each', async () => {
  const [one, three] = [await trained(1), await trained(3)]
  expect(three).toEqual(one)

  const losses = one.results.map((results) => floats(results, 'loss')[0])
  expect(new Set(losses).size).toBe(6)
  expect(one.state['weights']).not.toEqual(tinyState(graph)['weights'])
  expect(one.state['buffers']).not.toEqual(tinyState(graph)['buffers'])
})

test('a run refuses another number of steps, and a step that is not fed whole', async () => {
  const steps = await openSteps(graph, cpu, { carried, shared, stepsPerRun: 2 })
  const [batch, { images: _, ...partial }] = [tinyBatch(graph, 0), tinyBatch(graph, 1)]
  await expect(steps.run(tinyState(graph), [batch])).rejects.toThrow('1 steps for a run of 2')
  await expect(steps.run(tinyState(graph), [batch, partial])).rejects.toThrow(
    "'images' has no values in a step, not 864",
  )
  await steps.close()
})

async function trained(stepsPerRun: number): Promise<{ state: Inputs; results: readonly Results[] }> {
  const steps = await openSteps(graph, cpu, { carried, shared, stepsPerRun })
  let state = tinyState(graph)
  const results: Results[] = []
  while (results.length < 6) {
    const batches = Array.from({ length: stepsPerRun }, (_, i) => tinyBatch(graph, results.length + i))
    const run = await steps.run(state, batches)
    state = run.state
    results.push(...run.results)
  }
  await steps.close()
  return { state, results }
}
