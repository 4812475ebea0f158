import { nearest, TuneError } from '../errors.ts'
import type { ModelOptions } from './zoo.ts'

type PanopticDeepLabOptions = Extract<ModelOptions, { name: 'panoptic_deeplab' }>

/**
 * Panoptic-DeepLab as its published implementations have it, for a backbone at stride 16: to spread in a study's model
 * beside a backbone. `width` is the channels of the ASPP and the semantic branch, and the others follow. Default 256,
 * theirs; at least 32. Throws `model/invalid` for a name that nobody knows.
 *
 *     model: { ...dialect('detectron2', 64), backbone: { name: 'resnet', outputStride: 16 } }
 */
export function dialect(name: keyof typeof DIALECTS, width = 256): PanopticDeepLabOptions {
  if (!Object.hasOwn(DIALECTS, name)) throw unknownDialect(name)
  const { dropout, separable, upsampling, lowLevel, plainCenter, init, momentum } = DIALECTS[name]
  return {
    name: 'panoptic_deeplab',
    neck: { name: 'aspp', channels: width, rates: [6, 12, 18], separable, dropout, upsampling },
    split: 'neck',
    semantic: { channels: width, lowLevel: width / 8, head: width },
    instance: { channels: width / 2, lowLevel: width / lowLevel, head: width / 8, plainCenter },
    convs: { kernel: 5, separable: true },
    init,
    norm: { name: 'batch', momentum },
  }
}

function unknownDialect(name: string): TuneError {
  const known = Object.keys(DIALECTS)
  const near = nearest(name, known)
  const hint = near ? `did you mean '${near}'?` : `there are ${known.join(', ')}`
  return new TuneError('model/invalid', `there is no dialect '${name}' of Panoptic-DeepLab`, { hint })
}

/** Where they differ; `lowLevel` is the semantic branch's channels to the instance branch's at stride 4. */
const DIALECTS = {
  /** projects/Panoptic-DeepLab, with USE_DEPTHWISE_SEPARABLE_CONV. */
  detectron2: { dropout: 0.1, separable: true, upsampling: 'half_pixel', lowLevel: 8, plainCenter: true, init: 'he', momentum: 0.1 }, // prettier-ignore
  /** bowenc0221/panoptic-deeplab. */
  bowenc0221: { dropout: 0.5, separable: false, upsampling: 'align_corners', lowLevel: 16, plainCenter: false, init: 'small', momentum: 0.01 }, // prettier-ignore
  /** google-research/deeplab2. */
  deeplab2: { dropout: 0.1, separable: false, upsampling: 'align_corners', lowLevel: 16, plainCenter: false, init: 'he', momentum: 0.01 }, // prettier-ignore
} as const
