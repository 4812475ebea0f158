import * as fc from 'fast-check'
import { describe as group, expect, test } from 'vitest'
import { dialect } from '../../src/models/dialects.ts'
import { gradients } from '../../src/models/graph/reverse.ts'
import { buildModel, type ModelOptions } from '../../src/models/zoo.ts'
import { gradientsOf, lossOf, networkOf } from './networks.ts'

const CLASSES = 5
const THINGS = [1, 3]

const channels = fc.constantFrom(4, 8)
const outputStride = fc.constantFrom(8, 16, 32)
const kernel = fc.constantFrom(3, 5)

const backbone = fc.oneof(
  fc.record({ name: fc.constant('plain'), widths: fc.array(channels, { minLength: 2, maxLength: 5 }) }),
  fc.record({
    name: fc.constant('resnet'),
    depth: fc.constantFrom(10, 18, 50),
    width: channels,
    stem: fc.constantFrom('7x7', '3x3'),
    outputStride,
  }),
  fc.record({ name: fc.constant('mobilenet'), width: fc.constantFrom(0.1, 0.35), outputStride }),
  fc.record({
    name: fc.constant('convnext'),
    width: channels,
    blocks: fc.array(fc.integer({ min: 1, max: 2 }), { minLength: 1, maxLength: 4 }),
  }),
)

const norm = fc.oneof(
  fc.record({ name: fc.constant('group'), groups: fc.constantFrom(2, 4) }),
  fc.record({ name: fc.constant('batch'), momentum: fc.constantFrom(0.01, 0.1) }),
)

const neck = fc.oneof(
  fc.constant({ name: 'fpn' }),
  fc.record({
    name: fc.constant('aspp'),
    channels,
    rates: fc.array(fc.integer({ min: 1, max: 18 }), { minLength: 1, maxLength: 4 }),
    separable: fc.boolean(),
    dropout: fc.constantFrom(0, 0.5),
    upsampling: fc.constantFrom('half_pixel', 'align_corners', 'nearest'),
  }),
)

const branch = { channels, lowLevel: fc.constant(4), head: channels }

const split = fc.oneof(
  fc.record({ split: fc.constant('heads'), embed: fc.constant(0) }),
  fc.record({ split: fc.constantFrom('neck', 'decoder'), embed: fc.constantFrom(0, 4) }),
)

const panopticDeepLab = fc
  .record({
    split,
    backbone,
    norm,
    neck,
    semantic: fc.record(branch),
    instance: fc.record({ ...branch, plainCenter: fc.boolean() }),
    convs: fc.record({ kernel, separable: fc.boolean(), repeat: fc.integer({ min: 1, max: 2 }) }),
    init: fc.constantFrom('he', 'small'),
  })
  .map(({ split: { split, embed }, instance, ...rest }): ModelOptions => {
    return { name: 'panoptic_deeplab', split, instance: { ...instance, embed }, ...rest }
  })

const semanticFpn = fc
  .record({ backbone, norm, pyramid: channels, channels })
  .map((rest): ModelOptions => ({ name: 'semantic_fpn', ...rest }))

test('every model says what it has to say of every image that its divisor divides, at stride 4', () => {
  fc.assert(
    fc.property(fc.oneof(panopticDeepLab, semanticFpn), sizes(), (options, [size, rows, columns]) => {
      const model = buildModel(options, CLASSES, THINGS)
      const [height, width] = [rows * model.divisor, columns * model.divisor]
      const { semantic, center, offset } = networkOf(model, size, height, width).heads
      const cells = [height / 4, width / 4]
      expect(semantic.shape).toEqual([size, CLASSES, ...cells])
      const hasInstances = options.name === 'panoptic_deeplab'
      expect(center?.shape).toEqual(hasInstances ? [size, 1, ...cells] : undefined)
      expect(offset?.shape).toEqual(hasInstances ? [size, 2, ...cells] : undefined)
    }),
    { numRuns: 60 },
  )
})

test('in training every parameter has one name and a way to the loss, and every tensor one name', () => {
  fc.assert(
    fc.property(fc.oneof(panopticDeepLab, semanticFpn), (options) => {
      const model = buildModel(options, CLASSES, THINGS)
      const { graph, heads } = networkOf(model, 2, 2 * model.divisor, 2 * model.divisor, { isTraining: true })
      const loss = lossOf(heads)
      const reached = new Set([loss.name])
      for (const { output, inputs } of graph.tape.toReversed()) {
        if (reached.has(output.name)) for (const [input] of inputs) reached.add(input.name)
      }
      const names = graph.parameters.map(({ name }) => name)
      expect(names.filter((name) => !reached.has(name))).toEqual([])
      expect(new Set(names).size).toBe(names.length)

      // Writing them checks every shape on the way back.
      expect(gradients(loss).map(({ shape }) => shape)).toEqual(graph.parameters.map(({ shape }) => shape))
      const tensors = graph.nodes.flatMap(({ outputs }) => outputs)
      expect(new Set(tensors).size).toBe(tensors.length)
    }),
    { numRuns: 25 },
  )
})

test.each<ModelOptions>([
  { name: 'panoptic_deeplab' },
  { name: 'panoptic_deeplab', backbone: { name: 'resnet', depth: 10, width: 8, outputStride: 16 }, norm: { name: 'batch' } }, // prettier-ignore
  { name: 'panoptic_deeplab', backbone: { name: 'resnet', depth: 50, width: 8, stem: '3x3' } },
  { name: 'panoptic_deeplab', backbone: { name: 'mobilenet', width: 0.25, outputStride: 8 } },
  { name: 'panoptic_deeplab', backbone: { name: 'convnext', width: 8, blocks: [1, 2, 1] } },
  { name: 'panoptic_deeplab', neck: { name: 'aspp' }, split: 'decoder', instance: { embed: 8 } },
  { ...dialect('detectron2', 32), backbone: { name: 'plain', widths: [8, 8, 16, 16] } },
  { ...dialect('deeplab2', 32), backbone: { name: 'plain', widths: [8, 8, 16, 16, 16] } },
  { name: 'semantic_fpn', backbone: { name: 'plain', widths: [8, 16, 16] } },
])('no part of a network is dead: each parameter gets a finite gradient that is not 0: %o', async (options) => {
  const found = await gradientsOf(buildModel(options, CLASSES, THINGS), 64)
  const dead = [...found].filter(([, gradient]) => !gradient.some((x) => x !== 0) || !gradient.every(Number.isFinite))
  expect(dead.map(([name]) => name)).toEqual([])
})

test('a config says all: the same network is made of what a model says of itself', () => {
  fc.assert(
    fc.property(fc.oneof(panopticDeepLab, semanticFpn), (options) => {
      const model = buildModel(options, CLASSES, THINGS)
      const config = JSON.parse(JSON.stringify(model.config)) as ModelOptions
      const again = buildModel(config, model.classes, model.things)
      expect(again.config).toEqual(model.config)
      const [first, second] = [model, again].map((each) => networkOf(each, 1, each.divisor, each.divisor).graph)
      expect(second!.nodes).toEqual(first!.nodes)
      expect(second!.parameters).toEqual(first!.parameters)
    }),
    { numRuns: 20 },
  )
})

test('backbones go on to the stride they are asked for, the others to their own', () => {
  const divisor = (backbone: NonNullable<ModelOptions['backbone']>) => buildModel({ name: 'semantic_fpn', backbone }, 2).divisor // prettier-ignore
  expect(divisor({ name: 'resnet', outputStride: 8 })).toBe(8)
  expect(divisor({ name: 'mobilenet', outputStride: 16 })).toBe(16)
  expect(divisor({ name: 'plain', widths: [8, 8, 8] })).toBe(8)
  expect(divisor({ name: 'convnext', blocks: [1, 1] })).toBe(8)
})

test('a smaller output stride leaves a backbone its parameters', () => {
  const parametersAt = (name: 'resnet' | 'mobilenet', outputStride: 8 | 16 | 32) => {
    const model = buildModel({ name: 'semantic_fpn', backbone: { name, outputStride } }, 2)
    const { parameters } = networkOf(model, 1, 32, 32).graph
    return parameters.filter(({ name }) => name.startsWith('backbone.'))
  }
  for (const name of ['resnet', 'mobilenet'] as const) {
    expect(parametersAt(name, 8)).toEqual(parametersAt(name, 32))
    expect(parametersAt(name, 16)).toEqual(parametersAt(name, 32))
  }
})

test('the dialects have the channels that were published', () => {
  const channelsOf = (name: 'detectron2' | 'bowenc0221' | 'deeplab2') => {
    const model = buildModel({ ...dialect(name), backbone: { name: 'resnet', outputStride: 16 } }, 19)
    const { parameters } = networkOf(model, 1, 16, 16).graph
    const at = (layer: string) => parameters.find((parameter) => parameter.name === `${layer}.weight`)!.shape[0]
    return {
      low: ['semantic', 'instance'].flatMap((branch) => [2, 1].map((i) => at(`${branch}.decoder.level${i}.project`))),
      decoders: ['semantic', 'instance'].map((branch) => at(`${branch}.decoder.level1.fuse.pointwise`)),
      heads: ['semantic.hidden.pointwise', 'offset.hidden.pointwise'].map(at),
      center: parameters.filter(({ name }) => /^center.*weight$/.test(name)).map(({ shape }) => shape),
    }
  }
  const common = { decoders: [256, 128], heads: [256, 32] }
  const separable = [[128, 1, 5, 5], [32, 128, 1, 1], [1, 32, 1, 1]] // prettier-ignore
  const plain = [[128, 128, 3, 3], [32, 128, 3, 3], [1, 32, 1, 1]] // prettier-ignore
  expect(channelsOf('detectron2')).toEqual({ ...common, low: [64, 32, 64, 32], center: plain })
  expect(channelsOf('bowenc0221')).toEqual({ ...common, low: [64, 32, 32, 16], center: separable })
  expect(channelsOf('deeplab2')).toEqual({ ...common, low: [64, 32, 32, 16], center: separable })
})

test('a dialect that nobody knows is named, with the one that was meant', () => {
  const unknown = 'detectron' as 'detectron2'
  const said = { code: 'model/invalid', message: "there is no dialect 'detectron' of Panoptic-DeepLab" }
  expect(() => dialect(unknown)).toThrow(expect.objectContaining({ ...said, hint: "did you mean 'detectron2'?" }))
})

test('what branches share depends on where they part', () => {
  const layersAt = (split: 'neck' | 'decoder' | 'heads') => {
    const { graph } = networkOf(buildModel({ name: 'panoptic_deeplab', neck: { name: 'aspp' }, split }, 2), 1, 16, 16)
    return [...new Set(graph.parameters.map(({ name }) => /^(.*aspp|.*decoder)?/.exec(name)![0]))].filter(Boolean)
  }
  expect(layersAt('heads')).toEqual(['aspp', 'decoder'])
  expect(layersAt('decoder')).toEqual(['aspp', 'semantic.decoder', 'instance.decoder'])
  expect(layersAt('neck')).toEqual(['semantic.aspp', 'semantic.decoder', 'instance.aspp', 'instance.decoder'])
})

test('a frozen part gets no gradient, and keeps its running statistics', () => {
  const model = buildModel({ name: 'panoptic_deeplab', backbone: { name: 'mobilenet' }, norm: { name: 'batch' } }, 2)
  const isFrozen = (layer: string) => layer.startsWith('backbone')
  const { graph } = networkOf(model, 2, 64, 64, { isTraining: true, isFrozen })
  expect([...graph.tracked].filter(isFrozen)).toEqual([])
  const moving = [...graph.updates.keys()]
  expect(moving.filter(isFrozen)).toEqual([])
  expect(moving).toContain('decoder.output.mean')
  expect(graph.buffers.filter(({ name }) => isFrozen(name)).length).toBeGreaterThan(100)
})

group('of a config that no network can have, it is said', () => {
  const build = (options: unknown, classes = 5, things: readonly number[] = []) =>
    buildModel(options as ModelOptions, classes, things)

  test.each([
    [
      { name: 'panoptic_deeplab', backbon: { name: 'plain' } },
      "'panoptic_deeplab' has no option 'backbon'",
      "did you mean 'backbone'?",
    ],
    [{ name: 'panoptic_deeplab', backbone: { name: 'resnet', dept: 18 } }, "backbone 'resnet' has no option 'dept'", "did you mean 'depth'?"], // prettier-ignore
    [{ name: 'panoptic_deeplab', backbone: { name: 'plain', depth: 18 } }, "backbone 'plain' has no option 'depth'", 'known are widths'], // prettier-ignore
    [{ name: 'panoptic_deeplab', instance: { hed: 8 } }, "instance has no option 'hed'", "did you mean 'head'?"],
    [
      { name: 'panoptic_deeplab', neck: { name: 'fpn', rates: [1] } },
      "neck 'fpn' has no option 'rates'",
      'it has none',
    ],
    [{ name: 'panoptic_deeplap' }, `'name' is "panoptic_deeplap", must be one of panoptic_deeplab, semantic_fpn`, "did you mean 'panoptic_deeplab'?"], // prettier-ignore
    [{ name: 'semantic_fpn', backbone: { name: 'restnet' } }, `'backbone.name' is "restnet"`, "did you mean 'resnet'?"],
  ])('which option is unknown, and the nearest known one: %o (M11)', (options, message, hint) => {
    expect(() => build(options)).toThrow(
      expect.objectContaining({ code: 'model/invalid', message: expect.stringContaining(message), hint }),
    )
  })

  test.each([
    [{ name: 'semantic_fpn', pyramid: 0 }, "'pyramid' is 0, must be a whole number of at least 1"],
    [{ name: 'semantic_fpn', norm: { name: 'batch', momentum: 1 } }, "'norm.momentum' is 1, must be at least 0 and less than 1"], // prettier-ignore
    [{ name: 'semantic_fpn', backbone: { name: 'plain', widths: [8] } }, "'backbone.widths' is [8], must be a list of at least 2"], // prettier-ignore
    [{ name: 'semantic_fpn', backbone: { name: 'resnet', depth: 12 } }, "'backbone.depth' is 12, must be one of 10, 18, 50"], // prettier-ignore
    [{ name: 'semantic_fpn', backbone: 'resnet' }, `'backbone' is "resnet", must be an object`],
    [{ name: 'panoptic_deeplab', convs: { separable: 'yes' } }, `'convs.separable' is "yes", must be true or false`],
    [{ name: 'panoptic_deeplab', instance: { embed: 8 } }, "'instance.embed' is 8, must be 0 where 'split' is heads"],
    [{ name: 'panoptic_deeplab', split: 'neck', instance: { embed: 8 } }, "'instance.embed' is 8, but no class is a thing"], // prettier-ignore
    [{}, "'name' is undefined, must be one of panoptic_deeplab"],
    [null, "'model' is null, must be an object"],
  ])('which value is impossible, and what is allowed: %o', (options, message) => {
    expect(() => build(options)).toThrow(
      expect.objectContaining({ code: 'model/invalid', message: expect.stringContaining(message) }),
    )
  })

  test('which layer has a shape that does not fit', () => {
    const options = { name: 'panoptic_deeplab', semantic: { channels: 36 } }
    expect(() => build(options)).toThrow(/^decoder\.lateral1: 36 channels .*'norm\.groups' 8: .*\[1, 36, 4, 4\]$/)
  })

  test('how many classes there can be, and which are things', () => {
    expect(() => build({ name: 'semantic_fpn' }, 0)).toThrow("'classes' is 0")
    expect(() => build({ name: 'semantic_fpn' }, 5, [1, 5])).toThrow('thing 5 is not one of the classes 0 to 4')
  })

  test('that images are smaller than the stride, or not a multiple of it', () => {
    const model = build({ name: 'panoptic_deeplab', backbone: { name: 'resnet' } })
    expect(() => networkOf(model, 1, 16, 64)).toThrow(/16 x 64 pixels are smaller than the coarsest stride, 32/)
    expect(() => networkOf(model, 1, 64, 48)).toThrow(/multiples of 32 pixels.*\[1, 3, 64, 48\]/)
  })
})

test("the compiler checks a study's config", () => {
  expect(() => {
    // @ts-expect-error: a plain backbone has no depth
    buildModel({ name: 'panoptic_deeplab', backbone: { name: 'plain', depth: 18 } }, 2)
  }).toThrow("backbone 'plain' has no option 'depth'")
  expect(() => {
    // @ts-expect-error: there is no depth 12
    buildModel({ name: 'panoptic_deeplab', backbone: { name: 'resnet', depth: 12 } }, 2)
  }).toThrow("'backbone.depth' is 12")
  expect(() => {
    // @ts-expect-error: a network of classes alone has no instance branch
    buildModel({ name: 'semantic_fpn', instance: { head: 8 } }, 2)
  }).toThrow("'semantic_fpn' has no option 'instance'")
})

/** Images in a batch, and rows and columns of them in units of the divisor. */
function sizes() {
  const few = fc.integer({ min: 1, max: 3 })
  return fc.tuple(fc.integer({ min: 1, max: 2 }), few, few)
}
