import { isTuneError, messageOf } from '../errors.ts'
import { encodeSpace, fitParams, leaves, type Choice, type Params, type Space } from '../space.ts'
import type { Metrics } from '../trial.ts'
import { fromLeaves } from './optuna.ts'
import { enqueueTrial, openSqliteStore } from './sqlite.ts'
import { spaceOf } from './space_of.ts'
import type { StudyRecord } from './store.ts'

/** A trial that another program has run, in the words of a study of ours. */
export interface ImportedTrial {
  /** Where it comes from, to be found again: `optuna:old.db, trial 7`. */
  readonly origin: string
  readonly state: 'complete' | 'pruned' | 'failed'
  /** Values of the study's parameters by their names; one that is nested is named `parameter.option.name`. */
  readonly values: ReadonlyMap<string, Choice>
  /** Each with every goal, the last its result. */
  readonly reports: readonly Metrics[]
  /** Milliseconds since 1970; 0 where it is not known. */
  readonly startedAt: number
  readonly endedAt: number
}

/** Reasons that are told apart. */
const MOST_REASONS = 20

/** How many were taken, and of those that were not, how many for each reason. */
export interface Imported {
  readonly taken: number
  readonly refused: ReadonlyMap<string, number>
}

/**
 * Takes trials into a study, as far as they lie in its space; one that it has already is not taken twice. `isNew`: no study
 * file says what its baseline is, so that the first of them is. They are written as our own, as they come.
 */
export async function importTrials(
  results: string,
  record: StudyRecord,
  trials: Iterable<ImportedTrial | { readonly why: string }> | AsyncIterable<ImportedTrial | { readonly why: string }>,
  { isNew }: { readonly isNew: boolean },
): Promise<Imported> {
  if (!isNew) keepBaseline(results, record)
  let now = 0
  const store = openSqliteStore(results, { clock: { now: () => now || Date.now() } })
  const refused = new Map<string, number>()
  let taken = 0
  try {
    const study = store.open(record)
    const space = spaceOf(record.space)
    const known = new Set(study.history().trials.map(({ reason }) => reason))
    for await (const trial of trials) {
      const checked = 'why' in trial ? trial : check(record, space, trial, known)
      if ('why' in checked) {
        const why = refused.has(checked.why) || refused.size < MOST_REASONS ? checked.why : 'other reasons'
        refused.set(why, (refused.get(why) ?? 0) + 1)
        continue
      }
      const { params, reason } = checked
      const { reports, state, startedAt, endedAt } = checked.trial
      now = startedAt
      const { number } = study.start({ params, seed: 0, device: { kind: 'cpu', index: 0, threads: 1 }, reason })
      now = endedAt
      for (const [i, metrics] of reports.entries()) study.report(number, { step: i + 1, metrics, at: endedAt })
      const outcome = state === 'failed' ? ({ state, code: 'trial/threw', message: 'failed in another program' } as const) : { state } // prettier-ignore
      study.finish(number, outcome, Math.max(0, endedAt - startedAt) / 1000)
      known.add(reason)
      taken++
    }
    return { taken, refused }
  } finally {
    now = 0
    store.close()
  }
}

/** The first trial of a study that is yet to run is its baseline, whatever is imported before. */
function keepBaseline(results: string, record: StudyRecord): void {
  const stored = openSqliteStore(results)
    .list()
    .find((study) => study.record.name === record.name)
  if (!stored || stored.history.trials.length === 0) enqueueTrial(results, record, fitParams(record.space, {}))
}

interface Checked {
  readonly trial: ImportedTrial
  readonly params: Params
  readonly reason: string
}

function check(
  record: StudyRecord,
  space: Space,
  trial: ImportedTrial,
  known: ReadonlySet<string | undefined>,
): Checked | { readonly why: string } {
  const reason = `imported from ${trial.origin}`
  if (known.has(reason)) return { why: 'it was imported before' }
  const params = fromLeaves(record.space, trial.values)
  const used = leaves(record.space, params).filter(({ active }) => active)
  const unused = [...trial.values.keys()].find((name) => !used.some((leaf) => leaf.name === name))
  if (unused !== undefined) return { why: `the study has no parameter '${unused}' there` }
  const result = trial.reports.at(-1)
  const lacking = record.goals.find(({ metric }) => Number.isNaN(result?.[metric] ?? Number.NaN))
  if (trial.state === 'complete' && lacking) return { why: `it has no result of '${lacking.metric}'` }
  try {
    encodeSpace(space, params)
    return { trial, params, reason }
  } catch (error) {
    if (!isTuneError(error)) throw error
    return { why: messageOf(error) }
  }
}
