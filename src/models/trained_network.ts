import { randomUUID } from 'node:crypto'
import { rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { ImageSet } from '../data/image_set.ts'
import { isTuneError } from '../errors.ts'
import { fingerprint } from '../json.ts'
import { ensureDir } from '../results.ts'
import type { PrepareContext } from '../study.ts'
import type { Device } from '../trial.ts'
import { openCheckpoint } from './starts.ts'
import { trainModel, type TrainedModel } from './train.ts'
import type { TrainOptions } from './train_options.ts'

/** A network that all trials of a study share, trained before any of them. */
export interface NetworkOptions extends Omit<TrainOptions, 'trial' | 'set' | 'every' | 'decode'> {
  /** Training steps. Default 600. */
  readonly steps?: number
  /** Everything random follows from it. Default 0. */
  readonly seed?: number
  /** Default: two threads of the CPU. */
  readonly device?: Device
}

/** Where such a network is kept, and a way to say that it takes long: what `prepare` is handed. */
export type NetworkContext = Pick<PrepareContext, 'cacheDir' | 'progress'>

/** Counts up when the same options would train another network. */
const VERSION = 1

/**
 * The checkpoint of one network, trained once, for trials that start `from` it. It is kept in the cache directory under
 * its options and the set's content, and trained again where that is gone or damaged: a network that started from another
 * one's file is never older than that.
 */
export async function trainedNetwork(
  set: ImageSet,
  options: NetworkOptions,
  { cacheDir, progress }: NetworkContext,
): Promise<string> {
  const file = join(cacheDir, `${networkKey(set, options)}.safetensors`)
  if (isWhole(file)) return file
  progress(`training a network for ${stepsOf(options)} steps; it is kept for the next run`)
  const dir = ensureDir(`${file}.${randomUUID()}`)
  try {
    for await (const model of trainOnce(set, { ...options, checkpoints: 'last' }, dir)) await rename(model.file, file)
  } finally {
    await rm(dir, { recursive: true })
  }
  return file
}

/** Trains such a network, and gives it at its end. `dir` is its trial's directory. */
export function trainOnce(set: ImageSet, options: NetworkOptions, dir: string): AsyncGenerator<TrainedModel, void> {
  const { steps: _, seed = 0, device = { kind: 'cpu', index: 0, threads: 2 }, ...training } = options
  const trial = { seed, device, signal: new AbortController().signal, maxSteps: 1, dir }
  return trainModel({ ...training, trial, set, every: stepsOf(options) })
}

/** Names all that such a network follows from. */
export function networkKey({ id }: ImageSet, options: NetworkOptions): string {
  const { steps: _, seed = 0, device: __, ...training } = options
  return fingerprint([VERSION, id, stepsOf(options), seed, JSON.stringify(training)]).slice(0, 16)
}

export function stepsOf({ steps = 600 }: NetworkOptions): number {
  return steps
}

function isWhole(file: string): boolean {
  try {
    openCheckpoint(file)
    return true
  } catch (error) {
    if (isTuneError(error)) return false
    throw error
  }
}
