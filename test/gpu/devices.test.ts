import { describe, expect, test } from 'vitest'
import { listDevices } from '../../src/models/engines/devices.ts'
import { openSession } from '../../src/models/engines/open.ts'
import { floats, type Inputs, type Session } from '../../src/models/engines/session.ts'
import { openSteps } from '../../src/models/engines/steps.ts'
import { averagePool } from '../../src/models/graph/pooling.ts'
import type { Device } from '../../src/trial.ts'
import { carried, tinyBatch, tinyState, tinyTraining } from '../models/engines/tiny_training.ts'
import { networks, zooGradient } from '../models/engines/zoo_gradients.ts'
import { cpu, relativeError } from '../models/graph/gradient_error.ts'

const offers = await listDevices()
/** WebGPU has no gradient of max pooling. */
const graph = tinyTraining(averagePool)
const shared = { lr: Float32Array.of(0.1) }

/** Skips a test, with the reason, where a device is not there. */
function need(kind: Device['kind'], skip: (condition: boolean, note: string) => void): Device {
  const missing = offers.find((offer) => offer.kind === kind)?.missing
  skip(missing !== undefined, `${kind}: ${missing?.reason}`)
  return { kind, index: 0, threads: 1 }
}

// The first run compiles a shader an operation, which takes a minute where the CPU poses as a GPU.
describe.each(['cuda', 'webgpu', 'tfjs'] as const)('%s', { timeout: 300_000 }, (kind) => {
  test('trains a small network as the CPU does: losses, gradients and state over three steps', async ({ skip }) => {
    const device = need(kind, skip)
    const [expected, actual] = [await openSession(graph, cpu), await openSession(graph, device)]
    const [reference, results] = [await threeSteps(expected), await threeSteps(actual)]
    await Promise.all([expected.close(), actual.close()])
    const apart = reference.map((values, i) => relativeError(results[i]!, values))
    expect(Math.max(...apart)).toBeLessThan(1e-4)
  })

  test.for(Object.keys(networks))('gives %s the losses and the gradient of the CPU', async (name, { skip }) => {
    const device = need(kind, skip)
    skip(kind === 'webgpu' && name === 'resnet', 'WebGPU has no gradient of max pooling')
    const { graph, feeds } = zooGradient(networks[name]!)
    const [expected, actual] = [await openSession(graph, cpu), await openSession(graph, device)]
    const [reference, results] = [await expected.run(feeds), await actual.run(feeds)]
    await Promise.all([expected.close(), actual.close()])
    const apart = Object.keys(reference).map((name) => relativeError(floats(results, name), floats(reference, name)))
    expect(Math.max(...apart)).toBeLessThan(1e-4)
  })
})

test('on CUDA many steps in one run are the steps of many runs, and faster', async ({ skip }) => {
  const device = need('cuda', skip)
  const [one, many] = [await trained(device, 1), await trained(device, 32)]
  expect(relativeError(many.weights, one.weights)).toBeLessThan(1e-4)
  expect(many.milliseconds).toBeLessThan(one.milliseconds)
})

/** All outputs of three steps, each from the state that the step before left. */
async function threeSteps(session: Session): Promise<readonly Float32Array[]> {
  let state = tinyState(graph)
  const all: Float32Array[] = []
  for (let step = 0; step < 3; step++) {
    const results = await session.run({ ...state, ...tinyBatch(graph, step), ...shared })
    all.push(...Object.keys(results).map((name) => floats(results, name)))
    state = Object.fromEntries(Object.entries(carried).map(([name, output]) => [name, floats(results, output)]))
  }
  return all
}

/** The weights after 128 steps, and what a step took once 64 of them had warmed up the device. */
async function trained(device: Device, stepsPerRun: number) {
  const steps = await openSteps(graph, device, { carried, shared, stepsPerRun })
  let state: Inputs = tinyState(graph)
  let warmAt = 0
  for (let at = 0; at < 128; at += stepsPerRun) {
    if (at === 64) warmAt = performance.now()
    const batches = Array.from({ length: stepsPerRun }, (_, i) => tinyBatch(graph, at + i))
    state = (await steps.run(state, batches)).state
  }
  const milliseconds = (performance.now() - warmAt) / 64
  await steps.close()
  return { weights: state['weights']!, milliseconds }
}
