import { Command } from 'commander'
import { isTuneError, messageOf, TuneError } from '../errors.ts'
import { bootstrapDifference, bootstrapInterval, type Difference, type Interval } from '../eval/bootstrap.ts'
import { scoreBoundaryFiles } from '../eval/boundary_files.ts'
import { explainCategories, explainUnknown } from '../eval/category_mismatch.ts'
import { findingLine, type Finding } from '../eval/finding.ts'
import { imageStatistics, type ImageStatistics } from '../eval/image_statistics.ts'
import { scoreFiles, type PanopticFiles, type ScoredFiles, type ScoreFilesOptions } from '../eval/panoptic_files.ts'
import { intervalCaveat } from '../eval/interval_caveat.ts'
import { emptyCounts, merge, panopticQuality, type PanopticQuality } from '../eval/pq.ts'
import { raceFiles } from '../eval/race_files.ts'
import type { StoppedRace } from '../eval/racing.ts'
import type { ByScore } from '../eval/resampled_quality.ts'
import { countsFindings, strictFindings } from '../eval/strict.ts'
import { stream } from '../rng.ts'
import { writeReport } from './eval_output.ts'
import { positive } from './options.ts'
import { classTable, differenceTable, splitTable } from './quality_tables.ts'

interface PanopticOptions {
  readonly gt?: string
  readonly gtDir?: string
  readonly pred?: string
  readonly predDir?: string
  readonly strict?: true
  readonly boundary?: true
  readonly bootstrap?: number
  readonly compare?: string
  readonly compareDir?: string
  readonly race?: true
  readonly json?: true
  readonly perClass?: true
  readonly workers: number
  readonly cacheDir?: string
  readonly out?: string
}

type Print = (text: string) => void

/** `tune eval panoptic`. `print` takes what goes to stdout, `printError` notes about the input. */
export function panopticCommand(print: Print, printError: Print): Command {
  return new Command('panoptic')
    .description('panoptic quality, to the digit as panopticapi computes it')
    .option('--gt_json_file, --gt <file>', 'ground truth, a COCO panoptic JSON')
    .option('--gt_folder, --gt-dir <dir>', 'its label PNGs (default: the JSON without .json)')
    .option('--pred_json_file, --pred <file>', 'predictions, a COCO panoptic JSON or a file of runs')
    .option('--pred_folder, --pred-dir <dir>', 'their label PNGs (default: the JSON without .json)')
    .option('--strict', 'refuse what panopticapi accepts without a word: list it, and exit with 2')
    .option('--boundary', 'Boundary PQ as well, as boundary-iou-api computes it')
    .option('--bootstrap <n>', '95 % intervals from so many resamples of the images', positive)
    .option('--compare <file>', 'other predictions: the paired difference to them, its interval and p')
    .option('--compare-dir <dir>', 'their label PNGs (default: the JSON without .json)')
    .option('--race', 'with --compare: stop as soon as these predictions are clearly worse, and print no PQ then')
    .option('--per-class', 'a row for each class')
    .option('--workers <n>', 'threads that score; worth it from some hundred images', positive, 1)
    .option('--cache-dir <dir>', 'keep the decoded ground truth there for the next time')
    .option('--json', 'print JSON, as fractions')
    .option('--out <file>', 'write that JSON to a file, too')
    .action(async (options: PanopticOptions) => evalPanoptic(options, print, printError))
}

async function evalPanoptic(options: PanopticOptions, print: Print, printError: Print): Promise<void> {
  const { strict, boundary = false, json, perClass, out } = options
  needed('gt', options.gt)
  const files = filesOf(options, needed('pred', options.pred), options.predDir)
  const other = options.compare === undefined ? undefined : filesOf(options, options.compare, options.compareDir)
  const publish = (report: object, text: () => string) => {
    if (out !== undefined) writeReport(out, report)
    print(json ? `${JSON.stringify(report)}\n` : `${text()}\n`)
  }
  const refuse = (findings: readonly Finding[]) => {
    const unique = [...new Map(findings.map((finding) => [findingLine(finding), finding])).values()]
    if (unique.length === 0) return
    publish({ findings: unique }, () => unique.map(findingLine).join('\n'))
    throw new TuneError('data/invalid', `${unique.length} finding${unique.length === 1 ? '' : 's'}: nothing was scored`, {
      hint: 'correct the files; without --strict they are scored as panopticapi does',
    }) // prettier-ignore
  }

  const inputs = [files, ...(other ? [other] : [])]
  if (strict) refuse(inputs.flatMap((input) => strictFindings(input, { boundary })))
  const { workers, cacheDir } = options
  const how = { workers, ...(cacheDir === undefined ? {} : { cacheDir }) }
  const raced = options.race && (await raceFiles(files, neededOther(other), { ...how, seed: 0 }))
  if (raced && raced.state === 'stopped') return publish({ race: raced }, () => stoppedText(raced))
  const scored = raced
    ? raced.scored
    : [await scoreExplained(files, how, printError), ...(other ? [await scoreExplained(other, how, printError)] : [])]
  if (strict) refuse(scored.flatMap((one, i) => countsFindings(one, inputs[i]!.predictionJson)))
  const report = reportOf(scored, options)
  const boundaries = boundary ? reportOf(inputs.map(scoreBoundaryFiles), options) : undefined
  const { categories } = scored[0]
  if (report.caveat !== undefined) printError(`note: ${report.caveat}\n`)
  publish({ ...report, ...(boundaries ? { boundary: boundaries } : {}) }, () => {
    const tables = [...tablesOf(report), ...(boundaries ? tablesOf(boundaries, 'Boundary') : [])]
    return [...tables, ...(perClass ? [classTable(report, categories)] : [])].join('\n\n')
  })
}

interface Report extends PanopticQuality {
  readonly intervals?: ByScore<Interval>
  readonly comparison?: { readonly other: PanopticQuality; readonly differences: ByScore<Difference> }
  /** Why the intervals may be too narrow. */
  readonly caveat?: string
}

/** Scores, and what resamples say of them: every report of the same files is the same. */
function reportOf(scored: readonly ScoredFiles[], { bootstrap, compare }: PanopticOptions): Report {
  const [first, second] = scored.map(({ categories, images }) => ({
    categories,
    statistics: imageStatistics(images.map(({ counts }) => counts), categories.length),
    quality: panopticQuality(images.reduce((sum, { counts }) => merge(sum, counts), emptyCounts(categories)), categories),
  })) as [Scored, Scored | undefined] // prettier-ignore
  const { categories, statistics, quality } = first
  const rng = () => stream(0, 'bootstrap')
  const differences = second && bootstrapDifference(statistics, second.statistics, categories, rng(), bootstrap)
  const caveat = differences || bootstrap !== undefined ? intervalCaveat(statistics) : undefined
  return {
    ...quality,
    ...(caveat === undefined ? {} : { caveat }),
    ...(bootstrap === undefined ? {} : { intervals: bootstrapInterval(statistics, categories, rng(), bootstrap) }),
    ...(second && differences && compare ? { comparison: { other: second.quality, differences } } : {}),
  }
}

/** What is known of a race that was stopped: who is behind, and no score. */
function stoppedText({ at, of, behind: { difference, standardError } }: StoppedRace): string {
  const gap = `${(100 * -difference).toFixed(1)} +- ${(100 * standardError).toFixed(1)} points of PQ`
  return `stopped after ${at} of ${of} images: clearly worse than the other, about ${gap} behind\nno PQ is given, for that of some images is not that of the set`
}

interface Scored {
  readonly categories: ScoredFiles['categories']
  readonly statistics: ImageStatistics
  readonly quality: PanopticQuality
}

function tablesOf({ comparison, intervals, ...quality }: Report, title = ''): readonly string[] {
  return [
    splitTable(quality, intervals, title),
    ...(comparison ? [differenceTable(quality, comparison.other, comparison.differences, ['this', 'other'], `${title} PQ`.trim())] : []),
  ] // prettier-ignore
}

/** Scores; where that fails, or hardly anything matches, category ids that are off are named. */
async function scoreExplained(files: PanopticFiles, how: ScoreFilesOptions, printError: Print): Promise<ScoredFiles> {
  let scored: ScoredFiles
  try {
    scored = await scoreFiles(files, how)
  } catch (error) {
    const reason = isTuneError(error) && error.code === 'data/invalid' ? explainUnknown(files) : undefined
    if (!reason) throw error
    throw new TuneError('data/invalid', messageOf(error), { hint: findingLine(reason), cause: error })
  }
  const sum = (name: 'tp' | 'fn') => scored.images.reduce((all, { counts }) => all + counts[name].reduce((a, b) => a + b, 0), 0) // prettier-ignore
  const [matched, missed] = [sum('tp'), sum('fn')]
  const reason = missed >= 2 && matched < missed / 4 ? explainCategories(files) : undefined
  if (reason) printError(`warning: ${findingLine(reason)}\n`)
  return scored
}

function filesOf({ gt, gtDir }: PanopticOptions, predictionJson: string, predictionDir?: string): PanopticFiles {
  const truthJson = needed('gt', gt)
  return {
    truthJson,
    truthDir: gtDir ?? folderOf(truthJson),
    predictionJson,
    predictionDir: predictionDir ?? folderOf(predictionJson),
  }
}

function needed(name: string, value: string | undefined): string {
  if (value !== undefined) return value
  throw new TuneError('usage', `tune eval panoptic needs --${name} FILE`, {
    hint: 'tune eval panoptic --gt gt.json --gt-dir DIR --pred pred.json --pred-dir DIR',
  })
}

function neededOther(other: PanopticFiles | undefined): PanopticFiles {
  if (other) return other
  throw new TuneError('usage', '--race needs --compare FILE: the predictions to race against', {
    hint: 'tune eval panoptic --gt gt.json --pred new.json --compare best.json --race',
  })
}

function folderOf(json: string): string {
  return json.replace(/\.json$/, '')
}
