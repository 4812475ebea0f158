import { DEFAULT_NORMALISATION, type DomainNormalisation, type Normalisation } from '../data/normalisation.ts'
import { TuneError } from '../errors.ts'
import { checkWeights, type LossWeights } from './losses/terms.ts'
import {
  checkOptions,
  flag,
  fraction,
  listOf,
  notNegative,
  number,
  object,
  oneOf,
  positive,
  share,
  text,
  tuple,
  wholeNumber,
  type Rule,
} from './options.ts'
import type { Phase, TrainOptions } from './train_options.ts'

/**
 * Checks what a study says of a training before anything is opened. A study file is run without a look at its types, and
 * an option that is misspelt would count as one that is left out. Throws `params/invalid`.
 */
export function checkTrainOptions(options: TrainOptions): void {
  checkOptions('trainModel', options, TRAINING)
  const {
    from,
    phases = [],
    augment,
    sampling,
    normalisation = DEFAULT_NORMALISATION,
    resize,
    targets,
    decode,
  } = options
  checkOptions('from', from ?? {}, FROM)
  for (const [i, phase] of phases.entries()) checkOptions(`phase ${i + 1}`, phase, PHASE)
  checkOptions('augment', augment ?? {}, AUGMENT)
  checkOptions('sampling', sampling ?? {}, SAMPLING)
  checkOptions('balance', sampling?.balance ?? {}, BALANCE)
  checkOptions('resize', resize ?? {}, RESIZE)
  checkOptions('targets', targets ?? {}, TARGETS)
  checkOptions('decode', decode ?? {}, DECODE)
  checkNormalisation(normalisation)
  for (const weights of weightsOf(options)) checkWeights(weights)
  checkTeacher(options)
}

/** Those that it begins with, and those of its phases: a mistake there is to be found before the phase is. */
function weightsOf({ weights, phases = [] }: TrainOptions): readonly LossWeights[] {
  return [weights, ...phases.map((phase) => phase.weights)].filter((given) => given !== undefined)
}

function checkNormalisation(normalisation: NonNullable<TrainOptions['normalisation']>): void {
  if (!('domains' in normalisation)) return checkChannels('normalisation', normalisation)
  checkOptions('normalisation', normalisation, DOMAINS)
  const { domains, others } = normalisation
  for (const [domain, own] of Object.entries({ ...domains, others })) checkChannels(`normalisation of '${domain}'`, own)
}

/** Neither may be left out. */
function checkChannels(what: string, own: Partial<Normalisation> = {}): void {
  checkOptions(what, { ...own, mean: own.mean ?? [], deviation: own.deviation ?? [] }, NORMALISATION)
}

function checkTeacher(options: TrainOptions): void {
  const isTaught = weightsOf(options).some(({ distillation = 0 }) => distillation > 0)
  if (!isTaught || options.teacher !== undefined) return
  throw new TuneError('params/invalid', "the loss 'distillation' has a weight, but there is no teacher", {
    hint: "give the checkpoint of a trained network as 'teacher'",
  })
}

/** A rule for every option of a type, so that the compiler misses none. */
type RulesOf<T> = { readonly [K in keyof NonNullable<T>]-?: Rule }

const elsewhere: Rule = { holds: () => true, wanted: 'what its own reader takes' }
const parts = listOf(text, 'a list of names of parts')
const finite = number(Number.isFinite, 'a number')
const aboveZero = number((value) => value > 0, 'greater than 0')

const TRAINING: RulesOf<TrainOptions> = {
  trial: elsewhere,
  set: elsewhere,
  weights: object,
  model: elsewhere,
  from: object,
  lr: notNegative,
  schedule: elsewhere,
  backbone: notNegative,
  weightDecay: notNegative,
  clip: aboveZero,
  freeze: parts,
  phases: listOf(object, 'a list of phases'),
  every: wholeNumber,
  batch: wholeNumber,
  crop: wholeNumber,
  augment: object,
  sampling: object,
  normalisation: object,
  resize: object,
  teacher: text,
  loaderThread: flag,
  targets: object,
  decode: object,
  checkpoints: oneOf('never', 'last', 'every'),
  losses: elsewhere,
  optimizer: elsewhere,
  clipping: elsewhere,
  groups: listOf(object, 'a list of parameter groups'),
  accumulate: wholeNumber,
  average: fraction,
}

const FROM: RulesOf<TrainOptions['from']> = {
  file: text,
  ignore: parts,
  atLeast: number((value) => value >= 0 && value <= 1, 'from 0 to 1'),
}

const PHASE: RulesOf<Phase> = { after: elsewhere, weights: object, freeze: parts, lr: notNegative }

const AUGMENT: RulesOf<TrainOptions['augment']> = {
  flip: flag,
  scale: tuple(2, positive, 'the least and the greatest factor'),
  light: elsewhere,
  colour: elsewhere,
}

const SAMPLING: RulesOf<TrainOptions['sampling']> = { balance: object, hardest: elsewhere }
const BALANCE: RulesOf<NonNullable<TrainOptions['sampling']>['balance']> = {
  by: oneOf('class', 'domain'),
  below: share,
}

const NORMALISATION: RulesOf<Normalisation> = {
  mean: tuple(3, finite, 'three numbers'),
  deviation: tuple(3, positive, 'three numbers above 0'),
}
const DOMAINS: RulesOf<DomainNormalisation> = { domains: object, others: object }

const RESIZE: RulesOf<TrainOptions['resize']> = { short: aboveZero, long: aboveZero }

const TARGETS: RulesOf<TrainOptions['targets']> = {
  sigma: positive,
  smallInstanceArea: notNegative,
  smallInstanceWeight: notNegative,
  ignoreCrowd: flag,
}

const DECODE: RulesOf<TrainOptions['decode']> = {
  threshold: finite,
  nmsKernel: number((value) => Number.isInteger(value) && value > 0 && value % 2 === 1, 'an odd whole number'),
  topK: wholeNumber,
  stuffArea: notNegative,
  labelDivisor: wholeNumber,
}
