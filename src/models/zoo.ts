import { TuneError } from '../errors.ts'
import type { Backbone } from './backbones/backbone.ts'
import { convnext } from './backbones/convnext.ts'
import { mobilenet } from './backbones/mobilenet.ts'
import { plain } from './backbones/plain.ts'
import { resnet } from './backbones/resnet.ts'
import { named, type Given } from './config.ts'
import { input, misfit, newGraph, sizes4, type Tensor } from './graph/graph.ts'
import { STRIDE, type Architecture, type Model } from './model.ts'
import { NORMS } from './norm.ts'
import { panopticDeepLab } from './panoptic_deeplab.ts'
import { semanticFpn } from './semantic_fpn.ts'

const backbones = { plain, resnet, mobilenet, convnext }

const architectures = { panoptic_deeplab: panopticDeepLab, semantic_fpn: semanticFpn }

/** Their names, the default first. */
export const BACKBONES = Object.keys(backbones) as (keyof typeof backbones)[]
export const ARCHITECTURES = Object.keys(architectures) as (keyof typeof architectures)[]

/** What every model has besides its own options. */
const common = {
  /** Default: plain. */
  backbone: named(backbones, 'plain'),
  /** Default: group. */
  norm: named(NORMS, 'group'),
}

const readConfig = named(architectures, 'panoptic_deeplab', common)

/**
 * A model's config as a study writes it: plain data, of which all but the names may be left out.
 *
 *     { name: 'panoptic_deeplab', backbone: { name: 'resnet', depth: 18, width: 16 }, instance: { head: 16 } }
 */
export type ModelOptions = Given<ReturnType<typeof readConfig>>

/**
 * Makes a network of plain data for a number of classes, of which `things` have instances. Throws `model/invalid` for
 * options that are unknown, for values that are impossible, and for shapes that do not fit, with the layer and its shapes.
 */
export function buildModel(options: ModelOptions, classes: number, things: readonly number[] = []): Model {
  const config = readConfig(options, '')
  const backbone: Backbone = backbones[config.backbone.name]
  const architecture: Architecture = architectures[config.name]
  const divisor = backbone.stride(config.backbone)
  const model: Model = {
    name: config.name,
    config,
    classes: checkedClasses(classes, things),
    things,
    stride: STRIDE,
    divisor,
    forward(images) {
      checkSize(images, divisor)
      const features = pyramid(images, backbone.features(images, config.backbone, config.norm))
      return architecture.heads(features, config, { classes, things, norm: config.norm })
    },
  }
  // What does not fit together is found here, before a trial is started with it.
  model.forward(input(newGraph(), 'images', 'float32', [1, 3, divisor, divisor]))
  return model
}

/** The last feature map of each stride, from that of the heads on. */
function pyramid(images: Tensor, features: readonly Tensor[]): readonly Tensor[] {
  const finest = sizes4(images)[2] / STRIDE
  const heights = features.map((x) => sizes4(x)[2])
  return features.filter((_, i) => heights[i]! <= finest && heights[i] !== heights[i + 1])
}

function checkSize(images: Tensor, divisor: number): void {
  const [, , height, width] = sizes4(images)
  if (height < divisor || width < divisor) {
    const message = `images of ${height} x ${width} pixels are smaller than the coarsest stride, ${divisor}`
    throw misfit(message, [images], 'choose a larger crop size, or a backbone of a finer stride')
  }
  if (height % divisor === 0 && width % divisor === 0) return
  throw misfit(`images are taken at multiples of ${divisor} pixels`, [images], 'choose another crop size')
}

function checkedClasses(classes: number, things: readonly number[]): number {
  if (!Number.isSafeInteger(classes) || classes < 1) {
    throw new TuneError('model/invalid', `model: 'classes' is ${classes}, must be a whole number of at least 1`)
  }
  const stranger = things.find((thing) => !Number.isInteger(thing) || thing < 0 || thing >= classes)
  if (stranger === undefined) return classes
  throw new TuneError('model/invalid', `model: thing ${stranger} is not one of the classes 0 to ${classes - 1}`)
}
