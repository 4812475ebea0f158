import { expect, test } from 'vitest'
import { openSession } from '../../src/models/engines/open.ts'
import { floats } from '../../src/models/engines/session.ts'
import { bindFlat } from '../../src/models/graph/bind.ts'
import { output } from '../../src/models/graph/graph.ts'
import { buildModel, type ModelOptions } from '../../src/models/zoo.ts'
import pytorch from '../fixtures/networks.json' with { type: 'json' }
import { cpu, relativeError } from './graph/gradient_error.ts'
import { networkOf } from './networks.ts'

/* What test/fixtures/networks.py builds, in its order. */

const norm = { name: 'group', groups: 4 } as const
const semantic = { name: 'semantic_fpn', norm, pyramid: 8, channels: 8 } as const
const dual = {
  name: 'panoptic_deeplab',
  norm,
  split: 'neck',
  semantic: { channels: 16, lowLevel: 4, head: 8 },
  instance: { channels: 8, lowLevel: 4, head: 4 },
  convs: { kernel: 5, separable: true },
} as const

const networks: Readonly<Record<keyof typeof pytorch, ModelOptions>> = {
  resnet_basic: { ...semantic, backbone: { name: 'resnet', depth: 10, width: 8, outputStride: 16 } },
  resnet_bottleneck: { ...semantic, backbone: { name: 'resnet', depth: 50, width: 4, outputStride: 8, stem: '3x3' } },
  mobilenet: { ...semantic, backbone: { name: 'mobilenet', width: 0.35, outputStride: 16 } },
  convnext: { ...semantic, backbone: { name: 'convnext', width: 8, blocks: [1, 2, 1] } },
  detectron2: {
    ...dual,
    backbone: { name: 'plain', widths: [4, 8, 8, 8] },
    neck: { name: 'aspp', channels: 8, rates: [1, 2, 6], separable: true },
    instance: { ...dual.instance, plainCenter: true },
  },
  deeplab2: {
    ...dual,
    backbone: { name: 'plain', widths: [4, 8, 8, 8, 8] },
    neck: { name: 'aspp', channels: 8, rates: [1, 3], upsampling: 'align_corners' },
  },
  embedding: {
    ...dual,
    backbone: { name: 'plain', widths: [4, 8, 8] },
    neck: { name: 'aspp', channels: 8, rates: [1] },
    instance: { ...dual.instance, embed: 4 },
  },
}

test.each(Object.entries(networks))('%s says what the same network in PyTorch says', async (name, options) => {
  const { parameters, ...expected } = pytorch[name as keyof typeof pytorch]
  const { graph, heads } = networkOf(buildModel(options, 5, [1, 3]), 2, 32, 64)
  for (const [name, head] of Object.entries(heads)) output(name, head)
  bindFlat(graph, 'weights')
  const session = await openSession(graph, cpu)
  const images = numbers(2 * 3 * 32 * 64, (k) => Math.sin(0.11 * k + 0.0005 * k ** 1.5))
  const results = await session.run({ images, weights: numbers(parameters, (k) => 0.5 * Math.sin(0.37 * k + 1)) })
  await session.close()

  expect(Object.keys(results).toSorted()).toEqual(Object.keys(expected).toSorted())
  for (const [head, { norm, some }] of Object.entries(expected)) {
    const actual = floats(results, head)
    expect(Math.hypot(...actual) / norm).toBeCloseTo(1, 4)
    expect(relativeError(actual.filter((_, i) => i % 29 === 0), some)).toBeLessThan(1e-4) // prettier-ignore
  }
})

function numbers(count: number, at: (k: number) => number): Float32Array {
  return Float32Array.from({ length: count }, (_, k) => at(k))
}
