import { Command } from 'commander'
import type { Category } from '../data/image_set.ts'
import { TuneError } from '../errors.ts'
import { bootstrapDifference } from '../eval/bootstrap.ts'
import { checkPaired, loadCounts } from '../eval/counts_file.ts'
import { totalCounts } from '../eval/image_statistics.ts'
import { intervalCaveat } from '../eval/interval_caveat.ts'
import { panopticQuality, type ClassQuality, type PanopticQuality } from '../eval/pq.ts'
import { canonicalJson, type Json } from '../json.ts'
import { countsFile } from '../models/train.ts'
import { trialDir } from '../results.ts'
import { stream } from '../rng.ts'
import { openSqliteStore } from '../store/sqlite.ts'
import type { Trial } from '../trial.ts'
import { percent } from './eval_output.ts'
import { paramValue, table } from './format.ts'
import { jsonOption, natural, positive, resultsOption } from './options.ts'
import { differenceTable, points, shortened } from './quality_tables.ts'
import { findStudy, findTrial } from './stored.ts'

interface Options {
  readonly results: string
  readonly study?: string
  readonly on: string
  readonly bootstrap: number
  readonly json?: boolean
}

/** `tune compare A B`: how much better trial A is than trial B, image by image, from what both kept: nothing is scored. */
export function compareCommand(print: (text: string) => void): Command {
  return new Command('compare')
    .description('two trials image by image: the difference, its interval and p')
    .argument('<a>', 'number of a trial', natural)
    .argument('<b>', 'number of the trial it is compared to', natural)
    .addOption(resultsOption())
    .option('--study <name>', 'which study; default: the one changed last')
    .option('--on <name>', 'which images, by the name they were scored under: val, held_out', 'val')
    .option('--bootstrap <n>', 'resamples of the images', positive, 1000)
    .addOption(jsonOption())
    .action((a: number, b: number, options: Options) => print(`${compare(a, b, options)}\n`))
}

function compare(a: number, b: number, options: Options): string {
  const { results, on, bootstrap } = options
  const store = openSqliteStore(results)
  const study = (() => {
    try {
      return findStudy(store, options.study)
    } finally {
      store.close()
    }
  })()
  const { name } = study.record
  const trials = [findTrial(study, a), findTrial(study, b)] as const
  const [first, second] = trials.map(({ number }) => countsOf(results, name, number, on)) as [Counts, Counts]
  checkPaired(first, second, [`trial ${a}`, `trial ${b}`])
  const { categories, imageIds } = first
  const differences = bootstrapDifference(
    first.statistics,
    second.statistics,
    categories,
    stream(0, 'compare'),
    bootstrap,
  )
  const [quality, other] = [first, second].map(({ statistics }) => panopticQuality(totalCounts(statistics), categories)) as [PanopticQuality, PanopticQuality] // prettier-ignore
  const params = differingParams(...trials)
  const caveat = intervalCaveat(first.statistics)
  if (options.json) {
    const report = { study: name, on, images: imageIds.length, trials: [a, b], params, quality: [quality, other], differences, ...(caveat === undefined ? {} : { caveat }) } // prettier-ignore
    return JSON.stringify(report, undefined, 2)
  }
  const names = [`trial ${a}`, `trial ${b}`] as const
  return [
    `trial ${a} against trial ${b} of ${name} on ${imageIds.length} images (${on})${unfinished(trials)}`,
    differenceTable(quality, other, differences, names) + (caveat === undefined ? '' : `\nnote: ${caveat}`),
    classDifferences(quality, other, categories, names),
    params.length === 0
      ? 'both have the same params'
      : table(['param', ...names], params.map(({ name, values }) => [name, ...values.map(shownParam)])), // prettier-ignore
  ].join('\n\n')
}

type Counts = ReturnType<typeof loadCounts>

function countsOf(results: string, study: string, trial: number, on: string): Counts {
  try {
    return loadCounts(countsFile(trialDir(results, study, trial), on))
  } catch (cause) {
    if (!(cause instanceof TuneError) || cause.code !== 'data/missing') throw cause
    throw new TuneError('data/missing', `trial ${trial} of ${study} kept no counts of images under the name '${on}'`, {
      hint: 'model.score(set, name) keeps them; a trial that failed before its first report has none',
      cause,
    })
  }
}

/** What both kept is of their last reports, and those are not of equal length where one was stopped. */
function unfinished(trials: readonly Trial[]): string {
  const early = trials.filter(({ outcome }) => outcome.state !== 'complete')
  return early.map(({ number, outcome, reports }) => `; trial ${number} is ${outcome.state} after ${reports.length} reports`).join('') // prettier-ignore
}

interface ParamPair {
  readonly name: string
  /** null where a trial has no such param. */
  readonly values: readonly [Json, Json]
}

function differingParams(a: Trial, b: Trial): readonly ParamPair[] {
  const names = [...new Set([...Object.keys(a.params), ...Object.keys(b.params)])]
  return names
    .map((name): ParamPair => ({ name, values: [a.params[name] ?? null, b.params[name] ?? null] }))
    .filter(({ values: [first, second] }) => canonicalJson(first) !== canonicalJson(second))
}

function shownParam(value: Json): string {
  return value === null ? '-' : paramValue(value)
}

/** The classes that either has, the largest differences first. */
function classDifferences(
  a: PanopticQuality,
  b: PanopticQuality,
  categories: readonly Category[],
  names: readonly [string, string],
): string {
  const occurs = ({ tp, fp, fn }: ClassQuality) => tp + fp + fn > 0
  const rows = categories
    .map(({ id, name }) => ({ name, first: a.per_class[id]!, second: b.per_class[id]! }))
    .filter(({ first, second }) => occurs(first) || occurs(second))
    .map(({ name, first, second }) => ({ name, first: first.pq, second: second.pq, gap: first.pq - second.pq }))
    .toSorted((x, y) => Math.abs(y.gap) - Math.abs(x.gap))
    .map(({ name, first, second, gap }) => [shortened(name), percent(first), percent(second), points(gap)])
  return table(['class PQ', ...names, 'difference'], rows)
}
