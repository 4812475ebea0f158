import type { Json } from '../json.ts'
import { short } from '../models/describe.ts'
import {
  byTraining,
  median,
  type MeasuredReport,
  type MeasuredScoring,
  type MeasuredTraining,
} from '../models/probe.ts'
import type { Study } from '../study.ts'
import type { Device } from '../trial.ts'
import type { Slot } from '../trials/executor.ts'
import { count, duration, table, wrap } from './format.ts'
import { fitOf } from './gpu_memory.ts'
import type { ImageSize } from './options.ts'
import type { PeakMemory } from './peak_memory.ts'
import type { ProbedNetwork } from './probe_networks.ts'
import type { StudyCost } from './probe_study.ts'
import { mostAGpu } from './slots.ts'
import { section } from './summary.ts'
import type { Terminal } from './terminal.ts'

type Section = readonly [label: string, body: string]

/** What a study will cost, in labelled lines. */
export function studyCostText(
  study: Study,
  slots: readonly Slot[],
  prepared: number,
  cost: StudyCost,
  terminal: Terminal,
): string {
  const { measured, reports, memory } = cost
  const sections: readonly Section[] = [
    ['', `${study.name}: what it costs, by its baseline on ${slotsText(slots)}`],
    [
      'once',
      `${study.prepare ? `${time(prepared)} to prepare, ` : ''}${time(cost.start)} for the first trial of a slot`,
    ],
    ...trainingsOf(measured).flatMap(trainingSections),
    ['scoring', scoringText(measured)],
    ['memory', memoryText(memory, slots.length)],
    ...fitSections(memory),
    ['report', reportText(reports)],
    ...studySections(study, cost),
  ]
  const text = sections.filter(([, body]) => body !== '').map(([label, body]) => section(label, body, terminal))
  return `${text.join('\n')}\n`
}

export function studyCostJson(study: Study, slots: readonly Slot[], prepared: number, cost: StudyCost): Json {
  const { measured, reports, memory, projection } = cost
  return {
    study: study.name,
    slots: slots.map(({ index, device }) => ({ index, device: { ...device } })),
    prepareSeconds: prepared,
    trainings: trainingsOf(measured).map(({ training, iteration }) => ({ ...training, iterationSeconds: iteration })),
    scorings: measured.flatMap(({ scorings }) => scorings.map(({ images, seconds }) => ({ images, seconds }))),
    memoryBytes: memory.process,
    gpuMemoryBytes: memory.gpus.length > 0 ? gpuMebibytes(memory) * 2 ** 20 : null,
    startSeconds: cost.start,
    reportSeconds: reports,
    trialSeconds: projection?.trial ?? null,
    studySeconds: projection?.study ?? null,
    prunedStudySeconds: projection?.pruned ?? null,
  }
}

interface TimedTraining {
  readonly training: MeasuredTraining
  /** Seconds of a step, in the median. */
  readonly iteration: number
}

function trainingsOf(measured: readonly MeasuredReport[]): readonly TimedTraining[] {
  return byTraining(measured).flatMap((reports) => {
    const iteration = median(reports.flatMap(({ iterations }) => iterations))
    return reports.flatMap(({ trainings }) => trainings.map((training) => ({ training, iteration })))
  })
}

function trainingSections({ training, iteration }: TimedTraining): readonly Section[] {
  const { network, parameters, macs, activationBytes, batch, crop, every } = training
  return [
    ['network', `${network}, ${short(parameters)} weights; for a crop ${short(macs)} MACs and ${short(activationBytes)}B of activations`], // prettier-ignore
    ['training', `${time(iteration)} a step of ${batch} crops of ${crop}x${crop}, ${count(every, 'step')} a report`],
  ]
}

/** Last reports often score more than the others. */
function scoringText(measured: readonly MeasuredReport[]): string {
  const last = measured.at(-1)?.scorings ?? []
  const usual = measured.at(-2)?.scorings ?? last
  const all = usual.length > 0 ? [imagesText(usual)] : []
  const isMore = imageCount(last) !== imageCount(usual)
  return [...all, ...(isMore ? [`with the last report ${imagesText(last)}`] : [])].join('; ')
}

function imagesText(scorings: readonly MeasuredScoring[]): string {
  const seconds = scorings.reduce((sum, scoring) => sum + scoring.seconds, 0)
  return `${time(seconds)} for ${count(imageCount(scorings), 'image')}`
}

function imageCount(scorings: readonly MeasuredScoring[]): number {
  return scorings.reduce((sum, { images }) => sum + images, 0)
}

function memoryText(memory: PeakMemory, slots: number): string {
  const of = slots === 1 ? '' : ` for ${count(slots, 'trial')} at once`
  const ofGpus = memory.gpus.length > 0 ? `, and ${gpuMebibytes(memory)} MiB of GPUs` : ''
  return `${mebibytes(memory.process)} MiB at most${of}${ofGpus}`
}

function gpuMebibytes({ gpus }: PeakMemory): number {
  return gpus.reduce((sum, { before, peak }) => sum + Math.max(0, peak - (before?.used ?? 0)), 0)
}

/** What `--slots auto` would give, where a trial was alone on its GPU. */
function fitSections({ gpus }: PeakMemory): readonly Section[] {
  const alone = gpus.filter(({ trials }) => trials === 1)
  return alone.map((gpu): Section => ['slots', fitOf(gpu.device, mostAGpu(gpus.length), gpu).reason])
}

function reportText(reports: readonly number[]): string {
  const [usual, first = 0, last = 0] = [median(reports), reports[0], reports.at(-1)]
  const differs = (seconds: number) => Math.abs(seconds - usual) > 0.1 * usual
  const parts = [
    time(usual),
    ...(differs(first) ? [`the first ${time(first)}`] : []),
    ...(differs(last) ? [`the last ${time(last)}`] : []),
  ]
  return parts.join(', ')
}

function studySections({ budget, pruner }: Study, { reports, projection }: StudyCost): readonly Section[] {
  if (!projection) return [['trial', 'how many reports it has is not known: give the study budget.steps']]
  const { trial, study, pruned } = projection
  const isLate = budget.trialSeconds !== undefined && trial > budget.trialSeconds
  const late = isLate ? `: more than the ${budget.trialSeconds} s of its budget` : ''
  const stopped = pruned === undefined ? '' : `; about ${time(pruned)} where ${pruner?.name} stops weak ones`
  return [
    ['trial', `${time(trial)} for ${count(reports.length, 'report')}${late}`],
    ['study', `${time(study)} for ${count(budget.trials, 'trial')} that cost what the baseline does${stopped}`],
  ]
}

function slotsText(slots: readonly Slot[]): string {
  const kinds = [...new Set(slots.map(({ device }) => device.kind))].join(', ')
  return `${count(slots.length, 'slot')} of ${kinds}, ${count(slots[0]?.device.threads ?? 1, 'thread')} each`
}

/** As wide as the table. */
const COLUMNS = 60

/** What each network costs, a line each. */
export function networksText(
  networks: readonly ProbedNetwork[],
  { height, width, batch, device }: ImageSize & { readonly batch: number; readonly device: Device },
): string {
  const rows = networks.map(({ network, parameters, macs, activationBytes, step, prediction, memoryBytes }) => {
    return [network, short(parameters), short(macs), `${short(activationBytes)}B`, time(step), time(prediction), String(mebibytes(memoryBytes))] // prettier-ignore
  })
  const heads = ['', 'weights', 'MACs', 'activ.', 'step', 'image', 'MiB']
  const images = `${count(batch, 'image')} of ${height}x${width}`
  const about = [
    `step: of training, with ${images}`,
    'MACs, activations, image: of one image, the last to predict it',
    `MiB: the most memory above what was there before`,
    `on ${device.kind}, ${count(device.threads, 'thread')}`,
  ]
  return `${table(heads, rows)}\n${wrap(about.join('; '), COLUMNS)}\n`
}

export function networksJson(networks: readonly ProbedNetwork[]): Json {
  return networks.map(({ step, prediction, ...rest }) => ({
    ...rest,
    stepSeconds: step,
    predictionSeconds: prediction,
  }))
}

function mebibytes(bytes: number): number {
  return Math.round(bytes / 2 ** 20)
}

/** As `duration`, and below a second in milliseconds. */
function time(seconds: number): string {
  if (!(seconds < 1)) return duration(seconds)
  const milliseconds = seconds * 1000
  return `${milliseconds < 10 ? milliseconds.toPrecision(2) : milliseconds.toFixed(0)} ms`
}
