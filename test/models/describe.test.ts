import { expect, test } from 'vitest'
import { describe, descriptionLines } from '../../src/models/describe.ts'
import { dialect } from '../../src/models/dialects.ts'
import { buildModel, type ModelOptions } from '../../src/models/zoo.ts'

/*
 * Published networks at full width, 224 x 224, without what serves their classifiers. The first numbers are torchvision's
 * parameters and their MACs; what ours differ in stands behind them.
 */
test.each<{ backbone: NonNullable<ModelOptions['backbone']>; parameters: number; macs: number }>([
  {
    backbone: { name: 'resnet', depth: 18, width: 64 },
    // Less the classifier and v1's normalisations; v2's are of 3,904 channels.
    parameters: 11_689_512 - (512 * 1000 + 1000) - 2 * 4800 + 2 * 3904,
    macs: 1_814_073_344 - 512 * 1000,
  },
  {
    backbone: { name: 'resnet', depth: 50, width: 64 },
    // v1's normalisations have 53,120 parameters, v2's 45,440: the 22,720 channels of Keras's ResNet50V2.
    parameters: 25_557_032 - (2048 * 1000 + 1000) - 53_120 + 45_440,
    macs: 4_089_184_256 - 2048 * 1000,
  },
  {
    backbone: { name: 'mobilenet', width: 1 },
    // Less the last convolution of 320 to 1280 channels with its normalisation.
    parameters: 3_504_872 - (1280 * 1000 + 1000) - (320 * 1280 + 2 * 1280),
    macs: 300_774_272 - 1280 * 1000 - 320 * 1280 * 7 * 7,
  },
  {
    backbone: { name: 'convnext', width: 96, blocks: [3, 3, 9, 3] },
    // Less the classifier and the normalisation before it; with one of each of the four feature maps.
    parameters: 28_589_128 - (768 * 1000 + 1000) - 2 * 768 + 2 * (96 + 192 + 384 + 768),
    macs: 56 * 56 * 96 * 48 + 3 * blockMacs(96, 56) + 3 * blockMacs(192, 28) + 9 * blockMacs(384, 14) + 3 * blockMacs(768, 7) + stepMacs(192, 28) + stepMacs(384, 14) + stepMacs(768, 7), // prettier-ignore
  },
])('a backbone of full width has the parameters and MACs of the published one: $backbone', (published) => {
  const { layers } = describe(buildModel({ name: 'semantic_fpn', backbone: published.backbone }, 2), 224, 224)
  const own = layers.filter(({ name }) => name.startsWith('backbone'))
  expect(own.reduce((sum, { parameters }) => sum + parameters, 0)).toBe(published.parameters)
  expect(own.reduce((sum, { macs }) => sum + macs, 0)).toBe(published.macs)
})

/** A block of ConvNeXt: 7 x 7 for each channel, then to four times as many and back. */
function blockMacs(channels: number, side: number): number {
  return side * side * channels * (49 + 8 * channels)
}

/** 2 x 2 pixels of half as many channels to one. */
function stepMacs(channels: number, side: number): number {
  return side * side * channels * 4 * (channels / 2)
}

test('a layer has its kind, shape, parameters, MACs and activations', () => {
  const model = buildModel({ name: 'panoptic_deeplab', neck: { name: 'aspp', separable: true, rates: [6] } }, 8)
  const { layers } = describe(model, 64, 96)
  expect(layers[0]).toEqual({
    name: 'backbone.stage1',
    kind: '3x3 /2',
    output: [16, 32, 48],
    parameters: 3 * 16 * 9 + 2 * 16,
    macs: 3 * 16 * 9 * 32 * 48,
    // What the convolution, the normalisation and the ReLU give.
    activationBytes: 3 * 4 * 16 * 32 * 48,
  })
  expect(layers.find(({ name }) => name === 'aspp.atrous1.depthwise')).toMatchObject({
    kind: '3x3 @6 dw',
    output: [128, 4, 6],
    parameters: 128 * 9 + 2 * 128,
    macs: 128 * 9 * 4 * 6,
  })
})

test('the whole is the sum of its layers, and costs in proportion to the image', () => {
  const model = buildModel({ name: 'panoptic_deeplab' }, 8)
  const [small, large] = [describe(model, 64, 64), describe(model, 128, 128)]
  expect(small.parameters).toBe(142_523)
  expect(large.parameters).toBe(142_523)
  expect(large.macs).toBe(4 * small.macs)
  expect(large.activationBytes).toBe(4 * small.activationBytes)
  expect(small.layers.reduce((sum, { macs }) => sum + macs, 0)).toBe(small.macs)
})

test('a table of the small network', () => {
  const model = buildModel({ name: 'semantic_fpn', backbone: { name: 'plain', widths: [8, 16, 32] } }, 8)
  expect(descriptionLines(describe(model, 64, 64)).join('\n')).toMatchInlineSnapshot(`
    "layer                       kind    output    weights   MACs
    backbone.stage1             3x3 /2  8x32x32       232   221k
    backbone.stage2             3x3 /2  16x16x16    1.18k   295k
    backbone.stage3             3x3 /2  32x8x8      4.67k   295k
    pyramid.lateral1            1x1     32x16x16      576   131k
    pyramid.lateral2            1x1     32x8x8      1.09k  65.5k
    pyramid                     resize  32x16x16        0      0
    pyramid.merge1              sum     32x16x16        0      0
    pyramid.output1             3x3     32x16x16    9.28k  2.36M
    pyramid.output2             3x3     32x8x8      9.28k   590k
    semantic.level1.conv1       3x3     32x16x16    9.28k  2.36M
    semantic.level2.conv1       3x3     32x8x8      9.28k   590k
    semantic.level2             resize  32x16x16        0      0
    semantic                    sum     32x16x16        0      0
    semantic.predictor          1x1     8x16x16       264  65.5k
    all                                             45.1k  6.97M
    activations for the way back: 598kB an image"
  `)
})

test('no table is wider than 60 columns', () => {
  const options: ModelOptions = { ...dialect('detectron2'), backbone: { name: 'resnet', depth: 50, width: 64, outputStride: 16 } } // prettier-ignore
  const lines = descriptionLines(describe(buildModel(options, 19), 512, 1024))
  expect(Math.max(...lines.map((line) => line.length))).toBe(60)
  expect(lines.length).toBeGreaterThan(100)
})
