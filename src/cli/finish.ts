import { relative } from 'node:path'
import { isTuneError } from '../errors.ts'
import { bootstrapDifference } from '../eval/bootstrap.ts'
import { loadCounts, type StoredCounts } from '../eval/counts_file.ts'
import { countsFile } from '../models/train.ts'
import { bestFile, logFile, studiesFile, trialDir } from '../results.ts'
import { stream } from '../rng.ts'
import type { StoredStudy } from '../store/store.ts'
import type { Study } from '../study.ts'
import type { StudyEnd } from '../trials/driver.ts'
import { BASELINE, baselineOf, best, isBaselineAgain, type Trial } from '../trial.ts'
import { summary, type SummaryInput } from './summary.ts'
import type { Terminal } from './terminal.ts'

export interface FinishedRun {
  readonly study: Study
  readonly stored: StoredStudy
  readonly results: string
  /** Trials that this run ended. */
  readonly ran: number
  readonly seconds: number
  readonly why: StudyEnd['why']
  readonly reason: string
}

/** The end of a run, for reading. */
export function finishText(run: FinishedRun, terminal: Terminal): string {
  const { study, stored, seconds } = run
  const heldOut = heldOutDifference(run)
  const input: SummaryInput = {
    study,
    history: stored.history,
    ran: run.ran,
    seconds,
    why: run.why,
    reason: run.reason,
    files: filesOf(run),
    next: nextCommands(run),
    ...(heldOut ? { heldOut } : {}),
  }
  return summary(input, terminal)
}

function filesOf({ stored: { record, history }, results }: FinishedRun): readonly string[] {
  const failed = history.trials.find(isFailed)
  const log = failed && logFile(trialDir(results, record.name, failed.number))
  const files = best(history) ? [bestFile(results, record.name)] : log ? [log] : []
  return [...files, studiesFile(results)].map(asTyped)
}

/** A path as one would type it here. */
function asTyped(path: string): string {
  const here = relative('.', path)
  return here.startsWith('..') ? path : here
}

function nextCommands({ study, stored: { record, history }, results, why }: FinishedRun): readonly string[] {
  const where = results === 'results' ? '' : ` --results ${quoted(results)}`
  const of = `--study ${record.name}${where}`
  if (why === 'interrupted') return [`npx tune resume ${record.name}${where}`]
  const winner = best(history)
  const failed = history.trials.find(isFailed)
  if (why === 'failures' && failed)
    return [`npx tune show ${failed.number} ${of}`, `npx tune resume ${record.name}${where}`]
  if (!winner) return [failed ? `npx tune show ${failed.number} ${of}` : `npx tune list ${of}`]
  const baseline = baselineOf(history)
  if (why === 'exhausted' || why === 'target' || why === 'settled') return [`npx tune best ${of}`]
  const twice = 2 * Math.max(study.budget.trials, history.trials.length)
  return [`npx tune ${nextLook(winner, baseline)} ${of}`, `npx tune resume ${record.name}${where} --trials ${twice}`]
}

/** A repetition says most, where the best can be repeated and is not the baseline itself. */
function nextLook(winner: Trial, baseline: Trial | undefined): string {
  if (winner.from !== undefined) return `show ${winner.number}`
  return !baseline || isBaselineAgain(winner, baseline) ? 'list' : 'recheck'
}

/** A path as a shell takes it. */
function quoted(path: string): string {
  return /^[\w./:@%+=,-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`
}

function isFailed({ outcome }: Trial): boolean {
  return outcome.state === 'failed'
}

/** The best against the baseline, image by image, where both trials kept the counts of their held-out images. */
function heldOutDifference({ study, stored, results }: FinishedRun): SummaryInput['heldOut'] {
  const winner = best(stored.history)
  if (!winner) return undefined
  const [a, b] = [winner.number, BASELINE].map((number) =>
    keptCounts(countsFile(trialDir(results, stored.record.name, number), 'held_out')),
  )
  if (!a || !b || a.set !== b.set) return undefined
  const differences = bootstrapDifference(a.statistics, b.statistics, a.categories, stream(study.seed, 'held-out'))
  const { split, score, what } = scoreOf(stored.record.goals[0]!.metric)
  const difference = differences[split][score]
  return difference ? { ...difference, what, images: a.imageIds.length } : undefined
}

/** Which of the scores a study's goal is: those of `model.score`, and PQ of all classes for any other. */
function scoreOf(metric: string): {
  readonly split: 'All' | 'Things' | 'Stuff'
  readonly score: 'pq' | 'sq' | 'rq'
  readonly what: string
} {
  if (metric === 'pq_things') return { split: 'Things', score: 'pq', what: 'PQ of things' }
  if (metric === 'pq_stuff') return { split: 'Stuff', score: 'pq', what: 'PQ of stuff' }
  if (metric === 'sq' || metric === 'rq') return { split: 'All', score: metric, what: metric.toUpperCase() }
  return { split: 'All', score: 'pq', what: 'PQ' }
}

/** The comparison is an extra here: counts that are missing or damaged leave it out. */
function keptCounts(file: string): StoredCounts | undefined {
  try {
    return loadCounts(file)
  } catch (error) {
    if (isTuneError(error)) return undefined
    throw error
  }
}
