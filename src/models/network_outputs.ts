import { join } from 'node:path'
import type { ImageSet } from '../data/image_set.ts'
import type { Splits } from '../data/splits.ts'
import { fingerprint } from '../json.ts'
import type { Device } from '../trial.ts'
import type { HeadMaps } from './decode.ts'
import { readHeads, writeHeads } from './heads_file.ts'
import { trainModel } from './train.ts'
import type { TrainOptions } from './train_options.ts'

export interface NetworkOptions extends Omit<TrainOptions, 'trial' | 'set' | 'every' | 'decode'> {
  /** Training steps. Default 600. */
  readonly steps?: number
  /** Everything random follows from it. Default 0. */
  readonly seed?: number
  /** Default: two threads of the CPU. */
  readonly device?: Device
}

/** What one network says about the images to tune on and those held out. */
export interface NetworkOutputs {
  readonly val: readonly HeadMaps[]
  readonly heldOut: readonly HeadMaps[]
}

/** Counts up when the same options would train another network. */
const VERSION = 1

/**
 * What one small network, trained once, says about the images of val and held-out: what a study of post-processing needs
 * of a network. It is kept in the cache directory under its options and the sets' contents, and trained again where that
 * is gone or damaged.
 */
export async function networkOutputs(
  { train, val, heldOut }: Splits,
  options: NetworkOptions,
  { cacheDir, progress }: { readonly cacheDir: string; readonly progress: (message: string) => void },
): Promise<NetworkOutputs> {
  const { steps = 600, seed = 0, device = { kind: 'cpu', index: 0, threads: 2 }, ...training } = options
  const key = fingerprint([VERSION, train.id, steps, seed, JSON.stringify(training)]).slice(0, 16)
  const fileOf = (set: ImageSet) => join(cacheDir, `${key}-${set.id.slice(0, 16)}.heads`)
  const kept = [val, heldOut].map((set) => readHeads(fileOf(set), set))
  if (kept[0] && kept[1]) return { val: kept[0], heldOut: kept[1] }

  progress(`training one network for ${steps} steps; its outputs are kept for the next run`)
  const trial = { seed, device, signal: new AbortController().signal, maxSteps: 1, dir: cacheDir }
  for await (const model of trainModel({ ...training, trial, set: train, every: steps, checkpoints: 'never' })) {
    const outputs = { val: await model.outputs(val), heldOut: await model.outputs(heldOut) }
    writeHeads(fileOf(val), val, outputs.val)
    writeHeads(fileOf(heldOut), heldOut, outputs.heldOut)
    return outputs
  }
  throw new Error('the training ended without a network')
}
