import { describe, expect, test } from 'vitest'
import { domainNormalisation } from '../../src/data/normalisation.ts'
import { checkTrainOptions } from '../../src/models/check_train_options.ts'
import { trainModel } from '../../src/models/train.ts'
import type { TrainOptions } from '../../src/models/train_options.ts'
import { drawnSet } from '../data/drawn_set.ts'
import { cpu } from './graph/gradient_error.ts'
import { thrown } from './thrown.ts'

const set = drawnSet([{ height: 4, width: 4, labelAt: () => 0 }])
const trial = { seed: 1, device: cpu, signal: new AbortController().signal, maxSteps: 1, dir: '' }
/** As a study in JavaScript may say it. */
const refusal = (options: object) => thrown(() => checkTrainOptions({ trial, set, ...options }))

test.each([
  ['trainModel', { learning: 1, lrr: 3e-3 }, 'learning', 'known are trial, set'],
  ['trainModel', { augmnet: {} }, 'augmnet', "did you mean 'augment'?"],
  ['from', { from: { file: 'a', ignored: [] } }, 'ignored', "did you mean 'ignore'?"],
  ['phase 2', { phases: [{ after: 0.2 }, { after: 0.5, freez: ['backbone'] }] }, 'freez', "did you mean 'freeze'?"],
  ['augment', { augment: { scal: [0.5, 2] } }, 'scal', "did you mean 'scale'?"],
  ['sampling', { sampling: { hardes: 3 } }, 'hardes', "did you mean 'hardest'?"],
  ['balance', { sampling: { balance: { by: 'class', belw: 0.2 } } }, 'belw', "did you mean 'below'?"],
  ['resize', { resize: { shorter: 640 } }, 'shorter', "did you mean 'short'?"],
  ['targets', { targets: { smallInstancesWeight: 1 } }, 'smallInstancesWeight', "did you mean 'smallInstanceWeight'?"],
  ['decode', { decode: { treshold: 0.2 } }, 'treshold', "did you mean 'threshold'?"],
  ['normalisation', { normalisation: { mean: [0, 0, 0], std: [1, 1, 1] } }, 'std', 'known are mean, deviation'],
])(
  'an option of %s that nobody knows is named, with what may have been meant: %o (M11)',
  (owner, options, key, hint) => {
    expect(refusal(options)).toMatch(`params/invalid: ${owner} has no option '${key}'; ${hint}`)
  },
)

test.each<[object, string]>([
  [{ lr: Number.NaN }, 'lr is NaN, must be at least 0'],
  [{ lr: '0.003' }, 'lr is "0.003", must be at least 0'],
  [{ weightDecay: -1 }, 'weightDecay is -1, must be at least 0'],
  [{ clip: 0 }, 'clip is 0, must be greater than 0'],
  [{ every: 0 }, 'every is 0, must be a whole number of at least 1'],
  [{ batch: 1.5 }, 'batch is 1.5, must be a whole number of at least 1'],
  [{ accumulate: 1.5 }, 'accumulate is 1.5, must be a whole number of at least 1'],
  [{ average: 1 }, 'average is 1, must be at least 0 and less than 1'],
  [{ weights: null }, 'weights is null, must be an object of options'],
  [{ phases: [{ after: 0.5, weights: { centre: 1 } }] }, "weights of the losses has no option 'centre'"],
  [{ phases: [{ after: 0.5, weights: { center: 0 } }] }, 'every loss has weight 0'],
  [{ groups: [null] }, 'groups is [null], must be a list of parameter groups'],
  [{ freeze: 'backbone' }, 'freeze is "backbone", must be a list of names of parts'],
  [{ checkpoints: 'evry' }, 'checkpoints is "evry", must be never or last or every'],
  [{ phases: [{ after: 0.5, lr: -1 }] }, 'phase 1: lr is -1, must be at least 0'],
  [{ augment: { scale: 2 } }, 'augment: scale is 2, must be the least and the greatest factor'],
  [{ sampling: { balance: { by: 'clas', below: 0.1 } } }, 'balance: by is "clas", must be class or domain'],
  [{ resize: { short: 0 } }, 'resize: short is 0, must be greater than 0'],
  [{ decode: { nmsKernel: 4 } }, 'decode: nmsKernel is 4, must be an odd whole number'],
  [{ targets: { smallInstanceWeight: -1 } }, 'targets: smallInstanceWeight is -1, must be at least 0'],
  [{ normalisation: { mean: [0.5], deviation: [1, 1, 1] } }, 'normalisation: mean is [0.5], must be three numbers'],
  [{ normalisation: { mean: [0, 0, 0], deviation: [0, 1, 1] } }, 'normalisation: deviation is [0,1,1], must be three numbers above 0'], // prettier-ignore
  [{ normalisation: {} }, 'normalisation: mean is [], must be three numbers'],
  [{ normalisation: { domains: undefined } }, "normalisation of 'others': mean is [], must be three numbers"],
  [
    { normalisation: { domains: { night: { mean: [0, 0, Number.NaN], deviation: [1, 1, 1] } }, others: {} } },
    "normalisation of 'night': mean is [0,0,null]",
  ],
])('a value that no training can have is shown with what it must be: %o', (options, message) => {
  expect(refusal(options)).toContain(message)
})

describe('distillation', () => {
  const missing = "the loss 'distillation' has a weight, but there is no teacher; give the checkpoint"

  test('asks for a teacher before it trains, in a later phase too', () => {
    expect(refusal({ weights: { distillation: 0.5 } })).toContain(missing)
    expect(refusal({ phases: [{ after: 0.5, weights: { semantic: 1, distillation: 0.5 } }] })).toContain(missing)
  })

  test('of weight 0 asks for none', () => {
    expect(refusal({ weights: { semantic: 1, distillation: 0 } })).toBe('nothing was thrown')
    expect(refusal({ weights: { distillation: 1 }, teacher: 'model.safetensors' })).toBe('nothing was thrown')
  })
})

test('what may be left out may be undefined, and what is right passes', () => {
  expect(refusal({ lr: undefined, augment: undefined, phases: undefined })).toBe('nothing was thrown')
  const all: Omit<TrainOptions, 'trial' | 'set'> = {
    lr: 0,
    clip: Infinity,
    clipping: 'value',
    augment: { scale: [0.1, 2], flip: false, light: 0.1, colour: 0.5 },
    sampling: { balance: { by: 'domain', below: 0.2 }, hardest: 3 },
    resize: { short: 640, long: Infinity },
    normalisation: domainNormalisation(set),
    from: { file: 'a.safetensors', ignore: ['semantic'], atLeast: 0 },
    phases: [{ after: 0.5, freeze: [], lr: 0.1, weights: { semantic: 1 } }],
    decode: { threshold: 0, stuffArea: 0, topK: 10, nmsKernel: 3, labelDivisor: 256 },
  }
  expect(refusal(all)).toBe('nothing was thrown')
})

test('a training is refused for them before it opens anything', async () => {
  const options = { trial, set, lrr: 3e-3 }
  await expect(trainModel(options).next()).rejects.toThrow("trainModel has no option 'lrr'")
})
