import { relative } from 'node:path'
import { isTuneError } from '../errors.ts'
import { bootstrapDifference } from '../eval/bootstrap.ts'
import { loadCounts, type StoredCounts } from '../eval/counts_file.ts'
import { countsFile } from '../models/train.ts'
import { bestFile, studiesFile, trialDir, writeAtomically } from '../results.ts'
import { stream } from '../rng.ts'
import type { StoredStudy } from '../store/store.ts'
import type { Study } from '../study.ts'
import { BASELINE, best } from '../trial.ts'
import { bestConfig, bestYaml } from './export.ts'
import { summary, type SummaryInput } from './summary.ts'
import type { Terminal } from './terminal.ts'

export interface FinishedRun {
  readonly study: Study
  readonly stored: StoredStudy
  readonly file: string
  readonly results: string
  readonly seconds: number
}

/** Writes `best.yaml`, once there is a best. */
export function writeBest({ stored, results }: FinishedRun): void {
  const config = bestConfig(stored)
  if (config) writeAtomically(bestFile(results, stored.record.name), bestYaml(config))
}

/** The end of a run, for reading. */
export function finishText(run: FinishedRun, terminal: Terminal): string {
  const { study, stored, results, seconds } = run
  const { name } = stored.record
  const hasBest = best(stored.history) !== undefined
  const here = (path: string) => (relative('.', path).startsWith('..') ? path : relative('.', path))
  const heldOut = heldOutDifference(run)
  const where = results === 'results' ? '' : ` --results ${results}`
  const input: SummaryInput = {
    study,
    history: stored.history,
    seconds,
    files: [...(hasBest ? [here(bestFile(results, name))] : []), here(studiesFile(results))],
    next: [
      ...(hasBest ? [`npx tune recheck --study ${name}${where}`] : [`npx tune list --study ${name}${where}`]),
      `npx tune resume ${name}${where} --trials ${2 * Math.max(study.budget.trials, stored.history.trials.length)}`,
    ],
    ...(heldOut ? { heldOut } : {}),
  }
  return summary(input, terminal)
}

/** The best against the baseline, image by image, where both trials kept the counts of their held-out images. */
function heldOutDifference({ study, stored, results }: FinishedRun): SummaryInput['heldOut'] {
  const winner = best(stored.history)
  if (!winner) return undefined
  const [a, b] = [winner.number, BASELINE].map((number) =>
    keptCounts(countsFile(trialDir(results, stored.record.name, number), 'held_out')),
  )
  if (!a || !b || a.set !== b.set) return undefined
  const { pq } = bootstrapDifference(a.statistics, b.statistics, a.categories, stream(study.seed, 'held-out')).All
  return pq ? { ...pq, images: a.imageIds.length } : undefined
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
