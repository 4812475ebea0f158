import { AsyncLocalStorage } from 'node:async_hooks'
import type { ImageSet } from '../data/image_set.ts'
import { describe } from './describe.ts'
import { stepsPerRunOn } from './plan.ts'
import type { Scorer } from './score.ts'
import type { TrainOptions } from './train_options.ts'
import type { Training } from './training.ts'

/** What one report of an objective cost that was only measured, as plain data. Times are in seconds of wall time. */
export interface Measured {
  /** The trainings that began for it. */
  readonly trainings: readonly MeasuredTraining[]
  /** Seconds of a training step, one for each run of the device, without those that warm it up. */
  readonly iterations: readonly number[]
  readonly stepsLeftOut: number
  readonly scorings: readonly MeasuredScoring[]
  /** Reports that were left out just before this one. Each would have cost what the one before them did. */
  readonly reportsLeftOut: number
}

/** With the time that really passed for it. */
export interface MeasuredReport extends Measured {
  readonly seconds: number
}

export interface MeasuredTraining {
  readonly network: string
  readonly parameters: number
  /** For one crop, forward. */
  readonly macs: number
  /** For one crop. */
  readonly activationBytes: number
  /** Crops of a step, and their side in pixels. */
  readonly batch: number
  readonly crop: number
  /** Steps between two reports. */
  readonly every: number
}

export interface MeasuredScoring {
  readonly images: number
  /** For all images, without what is compiled once. */
  readonly seconds: number
  /** What was left out of it, less what was done twice. */
  readonly secondsLeftOut: number
}

/** Looks on while an objective runs. Its trainings take few steps and score few images: enough to know what all cost. */
export interface Probe {
  watch(options: TrainOptions): Watch
  /** What was measured since the last call. */
  take(): Measured
}

/** A training as it goes while it is only measured. */
interface Watch {
  readonly options: TrainOptions
  training(training: Training): Training
  scorer(scorer: Scorer): Scorer
  /** Where a training goes on that has taken so many steps: after two reports at the last one. */
  after(steps: number): number
}

type Clock = () => number

const active = new AsyncLocalStorage<Probe>()

/** The probe that looks on, if any does. */
export function activeProbe(): Probe | undefined {
  return active.getStore()
}

/** Runs something with a probe that looks on: all trainings in it are short. */
export function underProbe<T>(probe: Probe, run: () => T): T {
  return active.run(probe, run)
}

/** Runs of the device before those that count, and the least that count, for each report. */
const WARM_UP = 3
const RUNS = 10
/** Images of a set that are scored: whole batches of the loader. */
const IMAGES = 32

export interface ProbeOptions {
  /** Runs of the device that count, for each report. Default 10. */
  readonly runs?: number
  /** In seconds. Default: the clock on the wall. */
  readonly now?: Clock
}

export function newProbe({ runs = RUNS, now = () => performance.now() / 1000 }: ProbeOptions = {}): Probe {
  let found = nothing()
  return {
    watch: (options) => watch(options, runs, now, () => found),
    take() {
      const { iterations, ...taken } = found
      found = nothing()
      return { ...taken, iterations: iterations.slice(Math.min(WARM_UP, iterations.length - 1)) }
    },
  }
}

/** The reports of each training, and of what came before the first. */
export function byTraining<T extends Measured>(measured: readonly T[]): readonly (readonly T[])[] {
  const starts = [...measured.keys()].filter((i) => i === 0 || measured[i]!.trainings.length > 0)
  return starts.map((start, i) => measured.slice(start, starts[i + 1]))
}

/**
 * What each report would have cost, those that were left out among them. A step that was left out is taken for the mean of
 * those that its training took: the median is what most of them cost, but many have to be paid with their stragglers.
 */
export function projectedSeconds(measured: readonly MeasuredReport[]): readonly number[] {
  const projected: number[] = []
  for (const reports of byTraining(measured)) {
    const step = mean(reports.flatMap(({ iterations }) => iterations))
    for (const { seconds, stepsLeftOut, scorings, reportsLeftOut } of reports) {
      projected.push(...Array<number>(reportsLeftOut).fill(projected.at(-1) ?? 0))
      const training = stepsLeftOut > 0 ? stepsLeftOut * step : 0
      projected.push(scorings.reduce((sum, scoring) => sum + scoring.secondsLeftOut, seconds + training))
    }
  }
  return projected
}

/** How long a report should train to be like the others of its trial. */
const SECONDS = 1

/**
 * How many runs of the device should count, by the first look at a trial. Of short runs slots that share cores spend more
 * of their time on other things than they will, and stand less in each other's way.
 */
export function runsAfter({ iterations }: Measured): number {
  const seconds = median(iterations)
  return seconds > 0 ? Math.max(RUNS, Math.ceil(SECONDS / seconds)) : RUNS
}

/** The middle one of some values; NaN of none. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

type Found = { -readonly [K in keyof Measured]: Measured[K] extends readonly (infer T)[] ? T[] : Measured[K] }

function nothing(): Found {
  return { trainings: [], iterations: [], stepsLeftOut: 0, scorings: [], reportsLeftOut: 0 }
}

function watch(given: TrainOptions, runs: number, now: Clock, found: () => Found): Watch {
  const { trial, every = 100 } = given
  const short = Math.min(every, (WARM_UP + runs) * stepsPerRunOn(trial.device))
  const last = short * (trial.maxSteps - 1)
  return {
    options: { ...given, every: short },
    training(training) {
      found().trainings.push(factsOf(given, training))
      return {
        ...training,
        trainer: { ...training.trainer, steps: timedSteps(training.trainer, every / short, now, found) },
      }
    },
    scorer: (scorer) => ({ ...scorer, score: shortScore(scorer, now, found) }),
    after(steps) {
      if (steps !== 2 * short || last <= steps) return steps
      found().reportsLeftOut += (last - steps) / short
      return last
    },
  }
}

function factsOf(
  { batch = 4, accumulate = 1, crop = 64, every = 100 }: TrainOptions,
  { model }: Training,
): MeasuredTraining {
  const { parameters, macs, activationBytes } = describe(model, crop, crop)
  return { network: model.name, parameters, macs, activationBytes, batch: batch * accumulate, crop, every }
}

/** Each step that is taken stands for several. */
function timedSteps(
  { steps }: Training['trainer'],
  standsFor: number,
  now: Clock,
  found: () => Found,
): Training['trainer']['steps'] {
  return async (batches, hypers) => {
    const start = now()
    const results = await steps(batches, hypers)
    found().iterations.push((now() - start) / results.length)
    found().stepsLeftOut += results.length * (standsFor - 1)
    return results
  }
}

/** Scores some images of a set, spread over it: twice, for the first time also compiles. */
function shortScore({ score }: Scorer, now: Clock, found: () => Found): Scorer['score'] {
  return async (set) => {
    const [all, few] = [set.scenes.length, someOf(set)]
    const shown = few.scenes.length
    let start = now()
    if (shown < all) {
      await score(few)
      start = now()
    }
    const scored = await score(few)
    const taken = now() - start
    const seconds = (taken / shown) * all
    found().scorings.push({ images: all, seconds, secondsLeftOut: shown < all ? seconds - 2 * taken : 0 })
    return scored
  }
}

function someOf(set: ImageSet): ImageSet {
  const { scenes } = set
  const step = scenes.length / IMAGES
  return step <= 1 ? set : { ...set, scenes: Array.from({ length: IMAGES }, (_, i) => scenes[Math.floor(i * step)]!) }
}
