import type { AugmentOptions } from '../data/augment.ts'
import type { ImageSet } from '../data/image_set.ts'
import type { PlanOptions } from '../data/turns.ts'
import { TuneError } from '../errors.ts'
import type { TargetOptions } from './targets.ts'
import type { TrainBatchOptions } from './train_batches.ts'

/** Throws `params/invalid` or `data/invalid` for what no batch can be made of. */
export function checkBatchOptions(set: ImageSet, options: TrainBatchOptions): void {
  checkPlan(set, options)
  checkAugment(options.augment)
  checkTargets(options.augment, options.targets)
  checkClasses(set, options.scenes)
}

function checkPlan(set: ImageSet, { size, scenes, balance, hardest = 1 }: PlanOptions): void {
  if (!isCount(size)) throw invalid(`the batch size is ${size}, must be a whole number of 1 or more`)
  if ((scenes ?? set.scenes).length === 0) throw new TuneError('data/invalid', 'there is no image to train on')
  const stray = scenes?.find((index) => !set.scenes[index])
  if (stray !== undefined) throw invalid(`scene ${stray} is to be trained on, of a set of ${set.scenes.length}`)
  if (balance && !(balance.below > 0 && balance.below <= 1)) {
    throw invalid(`what is in less than ${balance.below} of the scenes is to come more often`, 'give a share up to 1')
  }
  if (!(hardest >= 1)) throw invalid(`the hardest scenes are to come ${hardest} times as often`, 'give 1 or more')
}

function checkAugment({ height, width, scale: [least, most] = [1, 1], light = 0, colour = 0 }: AugmentOptions): void {
  if (!isCount(height) || !isCount(width)) throw invalid(`a crop of ${height} x ${width} has no pixels`)
  if (!(least > 0 && least <= most && most < Infinity)) {
    throw invalid(`images cannot be resized by ${least} to ${most}`, 'give the smaller factor first, such as [0.5, 2]')
  }
  for (const [name, share] of Object.entries({ light, colour })) {
    if (!(share >= 0 && share <= 1)) throw invalid(`the change of ${name} is ${share}`, 'give a share from 0 to 1')
  }
}

function checkTargets({ height, width }: AugmentOptions, { stride = 1, sigma = 10 }: TargetOptions = {}): void {
  if (height % stride !== 0 || width % stride !== 0) {
    const message = `a crop of ${height} x ${width} cannot be divided into targets of stride ${stride}`
    throw invalid(message, `make both multiples of ${stride}`)
  }
  if (!(sigma > 0)) throw invalid(`the heat map's sigma is ${sigma}, must be greater than 0`)
}

/** Sets that were read are right; a study may have made or changed its own. */
function checkClasses({ categories, scenes }: ImageSet, indices: readonly number[] = [...scenes.keys()]): void {
  for (const { file, segments } of indices.map((index) => scenes[index]!)) {
    const wrong = segments.find(({ category }) => !categories[category])
    if (!wrong) continue
    throw new TuneError(
      'data/invalid',
      `${file}: segment ${wrong.id} has class ${wrong.category}, but there are classes 0 to ${categories.length - 1}`,
      { hint: "a segment's category is an index into the set's categories" },
    )
  }
}

function isCount(value: number): boolean {
  return Number.isInteger(value) && value > 0
}

function invalid(message: string, hint?: string): TuneError {
  return new TuneError('params/invalid', message, hint === undefined ? {} : { hint })
}
