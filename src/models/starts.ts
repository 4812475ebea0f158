import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Category, ImageSet } from '../data/image_set.ts'
import { instanceSide } from '../data/instance_side.ts'
import type { Resize } from '../data/loader.ts'
import { DEFAULT_NORMALISATION, type DomainNormalisation, type Normalisation } from '../data/normalisation.ts'
import { isTuneError, TuneError } from '../errors.ts'
import { fingerprint } from '../json.ts'
import { checkpointDir, checkpointFile } from '../results.ts'
import {
  readCheckpoint,
  saveCheckpoint,
  stateOf,
  type Checkpoint,
  type Network,
  type TrainState,
} from './checkpoint.ts'
import type { DecodeOptions } from './decode.ts'
import type { Model } from './model.ts'
import { initialState, networkOf } from './train_state.ts'
import type { TrainOptions } from './train_options.ts'
import { warmStart, type LoadReport } from './warm_start.ts'
import { buildModel, type ModelOptions } from './zoo.ts'

/** What a checkpoint says of the training that it is of: enough to build the network and use it. */
export interface AboutTraining {
  readonly model: ModelOptions
  readonly categories: readonly Category[]
  readonly normalisation: Normalisation | DomainNormalisation
  /** The size that images are scored at; absent where that is their own. */
  readonly resize?: Resize
  /** Typical side of the training set's instances, in pixels (`instanceSide`); null where there are none. */
  readonly instanceSide: number | null
  readonly decode: DecodeOptions
  /** Height and width that most training images have. */
  readonly imageSize: readonly [number, number]
  readonly seed: number
  /** Hash of the options, and of the set's content: what continues a checkpoint has to be the same training. */
  readonly training: string
}

export function aboutTraining(options: TrainOptions, model: Model): AboutTraining {
  const { trial, set, ...rest } = options
  return {
    // It was read from such options.
    model: model.config as ModelOptions,
    categories: set.categories,
    normalisation: options.normalisation ?? DEFAULT_NORMALISATION,
    ...(options.resize && { resize: options.resize }),
    instanceSide: instanceSide(set) ?? null,
    decode: options.decode ?? {},
    imageSize: usualSize(set),
    seed: trial.seed,
    training: fingerprint([JSON.stringify(rest), trial.seed, trial.maxSteps, set.id]),
  }
}

function usualSize({ scenes }: ImageSet): readonly [number, number] {
  const counts = new Map<string, { readonly size: readonly [number, number]; count: number }>()
  for (const { height, width } of scenes) {
    const entry = counts.get(`${height}x${width}`) ?? { size: [height, width], count: 0 }
    counts.set(`${height}x${width}`, { ...entry, count: entry.count + 1 })
  }
  return [...counts.values()].reduce((most, each) => (each.count > most.count ? each : most)).size
}

/** A trained network, as its checkpoint keeps it. */
export interface Trained {
  readonly about: AboutTraining
  readonly model: Model
  readonly network: Network
  readonly state: TrainState
}

/** Reads a checkpoint and builds its network. Throws `checkpoint/invalid` where it is no whole checkpoint of ours. */
export function openCheckpoint(file: string): Trained {
  const checkpoint = readCheckpoint(file)
  // What ends in a checksum was written by `keepCheckpoint`.
  const about = checkpoint.about as AboutTraining
  const things = about.categories.flatMap(({ isThing }, i) => (isThing ? [i] : []))
  const model = buildModel(about.model, about.categories.length, things)
  const network = withLearnedLosses(networkOf(model), checkpoint)
  return { about, model, network, state: stateOf(checkpoint, network) }
}

/** The parameters of learned loss weights come after those of the network. */
function withLearnedLosses(network: Network, { tensors }: Checkpoint): Network {
  const learned = [...tensors].filter(([name]) => name.startsWith('loss.'))
  const init = { kind: 'constant', value: 0 } as const
  const parameters = [...network.parameters, ...learned.map(([name, { shape }]) => ({ name, shape, init }))]
  return { parameters, buffers: network.buffers }
}

export function keepCheckpoint(
  file: string,
  { network, state }: Pick<Trained, 'network' | 'state'>,
  about: AboutTraining,
): void {
  saveCheckpoint(file, network, state, about)
}

/** Where a trial keeps what it goes on from after some reports. */
function resumeFile(trialDir: string, reports: number): string {
  return join(checkpointDir(trialDir), `${reports}.safetensors`)
}

/** Keeps what a trial goes on from after a report, and after the one before: this one may not have been stored yet. */
export function keepToGoOn(
  trialDir: string,
  reports: number,
  trained: Pick<Trained, 'network' | 'state'>,
  about: AboutTraining,
): void {
  keepCheckpoint(resumeFile(trialDir, reports), trained, about)
  const kept = [reports, reports - 1].map((count) => resumeFile(trialDir, count))
  const files = readdirSync(checkpointDir(trialDir)).map((name) => join(checkpointDir(trialDir), name))
  for (const file of files) if (!kept.includes(file)) rmSync(file)
}

/**
 * Saves a training and reads it again, before its budget is spent on what could not be kept. Throws where what comes back
 * is not bitwise what was. Nothing stays: what was not trained yet is no network that a trial kept.
 */
export function rehearse(trialDir: string, trained: Pick<Trained, 'network' | 'state'>, about: AboutTraining): void {
  const file = join(trialDir, 'rehearsal.safetensors')
  keepCheckpoint(file, trained, about)
  const back = stateOf(readCheckpoint(file), trained.network)
  rmSync(file)
  const bits = ({ weights, buffers, slots }: TrainState) => {
    return [weights, buffers, ...Object.values(slots)].map((values) => fingerprint(new Uint8Array(values.buffer, values.byteOffset, values.byteLength)))
  } // prettier-ignore
  if (back.step === trained.state.step && bits(back).join() === bits(trained.state).join()) return
  throw new TuneError('checkpoint/invalid', `${file}: what was written does not read the same`, {
    hint: 'check the disk: tune cannot keep what it trains there',
  })
}

/** Where a training begins, and what it loaded for that. */
export interface Start {
  readonly start?: { readonly network: Network; readonly state: Partial<TrainState> }
  /** Reports that the trial itself made on the way there. */
  readonly reports: number
  readonly loaded?: LoadReport
}

/**
 * What a trial kept with its newest report where it has made any and that is whole; else all that the trial became which it begins from;
 * else the weights that it is to start from; else nothing. Throws `checkpoint/invalid` for a checkpoint of another
 * training, or of another network.
 */
export function startOf({ trial, from }: TrainOptions, model: Model, about: AboutTraining): Start {
  const { reported = 0 } = trial
  const own = newestWhole(trial.dir, reported)
  if (own) {
    const { about: kept, network, state, reports, file } = own
    if (kept.training === about.training) return { start: { network, state }, reports }
    throw new TuneError('checkpoint/invalid', `${file} is the checkpoint of another training`, {
      hint: 'its options, seed or images were others: remove it to begin anew',
    })
  }
  if (trial.from !== undefined) return { start: leftBy(checkpointFile(trial.from), model), reports: 0 }
  if (!from) return { reports: 0 }
  const network = networkOf(model)
  const { weights, buffers } = initialState(network, trial.seed, [])
  const loaded = warmStart(network, weights, buffers, from)
  return { start: { network, state: { weights, buffers } }, loaded, reports: 0 }
}

/**
 * What a trial kept with its newest report or, where a disk has damaged that, with the one before. The reports in between
 * are trained again, in silence, and so is everything where none is whole: the same seed gives the same reports.
 */
function newestWhole(
  dir: string,
  reported: number,
): (Trained & { readonly reports: number; readonly file: string }) | undefined {
  for (const reports of [reported, reported - 1]) {
    const file = resumeFile(dir, reports)
    if (!existsSync(file)) continue
    try {
      return { ...openCheckpoint(file), reports, file }
    } catch (error) {
      if (!isTuneError(error)) throw error
      console.warn(`${error.message}: the trial goes on from what it kept before, or begins anew`)
    }
  }
  return undefined
}

/** A network as another trial left it, for one of the same layers. */
function leftBy(file: string, model: Model): { readonly network: Network; readonly state: TrainState } {
  const checkpoint = readCheckpoint(file)
  const network = withLearnedLosses(networkOf(model), checkpoint)
  return { network, state: stateOf(checkpoint, network) }
}
