import { nearest, TuneError } from '../errors.ts'
import { plainBackbone } from './backbones/plain.ts'
import { denseHead } from './heads/dense.ts'
import type { Model } from './model.ts'
import { featurePyramid } from './necks/fpn.ts'

export interface PanopticDeepLabConfig {
  /** Semantic classes, things and stuff. */
  readonly classes: number
  /** Channels of the backbone's stages at strides 2, 4, 8, ... */
  readonly widths: readonly number[]
  /** Channels of the decoder. */
  readonly decoder: number
  /** Channels of each head. */
  readonly head: number
  /** Groups of the normalisations; divides all channels above. */
  readonly normGroups: number
  /** Where the losses are taken: at the network's own stride, or at every pixel after upsampling, as detectron2 does. */
  readonly lossStride: 4 | 1
  /** The part of the batch's pixels, those with the largest loss, that the semantic loss averages over. */
  readonly hardPixels: number
}

const DEFAULTS: Omit<PanopticDeepLabConfig, 'classes'> = {
  widths: [16, 32, 64, 128],
  decoder: 32,
  head: 32,
  normGroups: 8,
  lossStride: 4,
  hardPixels: 0.2,
}

const STRIDE = 4

/**
 * A small Panoptic-DeepLab (Cheng et al. 2020) in detectron2's dialect: a backbone of plain convolutions, a feature
 * pyramid down to stride 4, and heads for classes, instance centres and offsets to them.
 * `panopticDeepLab({ classes: 8 })` has about 141,000 parameters.
 */
export function panopticDeepLab(
  config: Pick<PanopticDeepLabConfig, 'classes'> & Partial<PanopticDeepLabConfig>,
): Model {
  const { classes, widths, decoder, head, normGroups, lossStride, hardPixels } = checked({ ...DEFAULTS, ...config })
  return {
    name: 'panoptic-deeplab',
    classes,
    stride: STRIDE,
    divisor: 2 ** widths.length,
    lossStride,
    hardPixels,
    forward(images) {
      // The pyramid ends at stride 4: the first feature map, at stride 2, only leads to the second.
      const features = plainBackbone(images, widths, normGroups).slice(1)
      const shared = featurePyramid(features, decoder, normGroups)
      return {
        semantic: denseHead('semantic', shared, head, classes, normGroups),
        center: denseHead('center', shared, head, 1, normGroups),
        offset: denseHead('offset', shared, head, 2, normGroups),
      }
    },
  }
}

function checked(config: PanopticDeepLabConfig): PanopticDeepLabConfig {
  const known = ['classes', ...Object.keys(DEFAULTS)]
  for (const key of Object.keys(config)) {
    if (known.includes(key)) continue
    const meant = nearest(key, known)
    const hint = meant ? `did you mean '${meant}'?` : `known are ${known.join(', ')}`
    throw new TuneError('model/invalid', `panopticDeepLab() has no option '${key}'`, { hint })
  }
  const { widths, decoder, head, normGroups } = config
  require(isCount(config.classes), 'classes', config.classes, 'a whole number above 0')
  require(widths.length >= 2 && widths.every(isCount), 'widths', widths, 'at least two whole numbers above 0')
  require(isCount(decoder), 'decoder', decoder, 'a whole number above 0')
  require(isCount(head), 'head', head, 'a whole number above 0')
  const divides = isCount(normGroups) && [...widths, decoder, head].every((channels) => channels % normGroups === 0)
  require(divides, 'normGroups', normGroups, `a number that divides all of ${[...widths, decoder, head].join(', ')}`)
  require([1, STRIDE].includes(config.lossStride), 'lossStride', config.lossStride, `${STRIDE} or 1`)
  require(config.hardPixels > 0 && config.hardPixels <= 1, 'hardPixels', config.hardPixels, 'above 0 and at most 1')
  return config
}

function require(holds: boolean, option: string, value: unknown, expected: string): void {
  if (holds) return
  throw new TuneError(
    'model/invalid',
    `panopticDeepLab(): '${option}' is ${JSON.stringify(value)}, must be ${expected}`,
  )
}

function isCount(value: number): boolean {
  return Number.isInteger(value) && value > 0
}
