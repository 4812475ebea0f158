import { instanceSide } from '../data/instance_side.ts'
import { DEFAULT_NORMALISATION } from '../data/normalisation.ts'
import type { Metrics } from '../trial.ts'
import type { Batch } from './batch.ts'
import { openBatches, withTeacher, type BatchStream } from './batch_stream.ts'
import type { TrainState } from './checkpoint.ts'
import type { DecodeOptions } from './decode.ts'
import { openDiagnosis } from './diagnosis.ts'
import { weighedByInstances } from './instance_batches.ts'
import { parseLosses } from './losses/options.ts'
import type { Model } from './model.ts'
import type { TrainPlan } from './plan.ts'
import { aboutTraining, startOf, type AboutTraining } from './starts.ts'
import { scaledTargets } from './targets.ts'
import { openTeacher } from './teacher.ts'
import type { Taken } from './train_batches.ts'
import type { TrainOptions } from './train_options.ts'
import { checkParts, openTrainer, type Trainer } from './trainer.ts'
import type { LoadReport } from './warm_start.ts'
import { buildModel } from './zoo.ts'

/** All that a training works with, opened. */
export interface Training {
  readonly model: Model
  readonly trainer: Trainer
  readonly batches: BatchStream
  readonly loaded: LoadReport | undefined
  /** Reports that the trial made before: it goes on after them. */
  readonly reports: number
  readonly about: AboutTraining
  /** What the losses do, by the newest batch, to the network after so many steps (see `Diagnosis`). */
  readonly diagnosis: (steps: number) => Promise<Metrics>
  close(): Promise<void>
}

/** Opens the parts of a training, each of which may refuse its options. */
export async function openTraining(
  options: TrainOptions,
  plan: TrainPlan,
  decodingOf: (height: number, width: number) => DecodeOptions,
): Promise<Training> {
  const { trial, set, batch: size = 4, crop = 64, accumulate = 1 } = options
  const { device, seed } = trial
  const { categories } = set
  const things = categories.flatMap(({ isThing }, i) => (isThing ? [i] : []))
  const model = buildModel(options.model ?? { name: 'panoptic_deeplab' }, categories.length, things)
  const losses = parseLosses(options.losses ?? {}, model.classes)
  const stride = losses.stride ?? model.stride
  const shape = { model, size, height: crop, width: crop, losses, stride, device }
  const about = aboutTraining(options, model)
  const { start, loaded, reports } = startOf(options, model, about)

  const opened: { close(): Promise<void> }[] = []
  const close = async () => {
    for (const part of opened.splice(0).toReversed()) await part.close()
  }
  const keep = <T extends { close(): Promise<void> }>(part: T): T => {
    opened.push(part)
    return part
  }
  try {
    const { stepsPerRun, groups } = plan
    const isMined = (options.sampling?.hardest ?? 1) > 1
    const started = start ? { start } : {}
    const trainer = keep(await openTrainer({ ...options, ...shape, batchSize: size, seed, groups, stepsPerRun: isMined ? 1 : stepsPerRun, isMined, losses: options.losses ?? {}, ...started })) // prettier-ignore
    checkParts(trainer.state().network, frozenEver(options))
    let batches = keep(
      openBatches(
        set,
        {
          size,
          seed,
          augment: { ...options.augment, height: crop, width: crop },
          targets: { ...scaledTargets(crop, crop, instanceSide(set)), ...options.targets, stride },
          taken: takenBy(trainer.state().state, size, accumulate),
          normalisation: options.normalisation ?? DEFAULT_NORMALISATION,
          ...options.sampling,
        },
        options.loaderThread,
      ),
    )
    if (options.teacher !== undefined) {
      const teacher = keep(await openTeacher(options.teacher, model, shape))
      batches = withTeacher(batches, teacher.teach)
    }
    if (losses.instances) {
      const predictor = keep(await trainer.predictor(crop, crop, size))
      batches = weighedByInstances(batches, predictor, { categories, weighting: losses.instances, decode: decodingOf(crop, crop), stride }) // prettier-ignore
    }
    const { newest, remembered } = remember(batches)
    const diagnosis = keep(openDiagnosis(shape, { seed, device }))
    return {
      model,
      trainer,
      batches: remembered,
      loaded,
      reports,
      about,
      diagnosis: async (steps) => {
        const [hyper] = plan.hypers(steps - 1, steps)
        return diagnosis.run(trainer.state().state, await newest(), hyper!)
      },
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

/** A part that is misspelt in a late phase would else be found when that begins. */
function frozenEver({ freeze = [], phases = [] }: TrainOptions): readonly string[] {
  return [...freeze, ...phases.flatMap((phase) => phase.freeze ?? [])]
}

/** The batches behind a state, and what the losses of their scenes were. */
function takenBy({ step, told }: TrainState, size: number, accumulate: number): Taken {
  const batches = step * accumulate
  const losses = Array.from({ length: told.length / size }, (_, i) => told.subarray(i * size, (i + 1) * size))
  return { batches, losses }
}

/** A stream that knows the batch it gave last; before the first, it takes one. */
function remember(batches: BatchStream): { readonly newest: () => Promise<Batch>; readonly remembered: BatchStream } {
  let last: Batch | undefined
  const next: BatchStream['next'] = async (losses) => (last = await batches.next(losses))
  return { newest: async () => last ?? next(), remembered: { ...batches, next } }
}
