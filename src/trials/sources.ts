import { existsSync, readFileSync } from 'node:fs'
import { TuneError } from '../errors.ts'
import { fingerprint } from '../json.ts'
import { checkpointFile, trialDir } from '../results.ts'
import type { Store, StoredStudy } from '../store/store.ts'
import { best } from '../trial.ts'
import { provenancesOf, type Source } from './provenance.ts'

/** Hands out sources, and remembers which. */
export interface Sources {
  /** The checkpoint of a study's best trial: see `PrepareContext`. */
  bestOf(study: string): string
  asked(): readonly Source[]
  /** The checkpoints that were handed out, by their studies. */
  files(): Readonly<Record<string, string>>
}

/**
 * Finds sources among the stored studies. A stage keeps to those that its first run got: its trials all begin from the
 * same network, though a better one may have been found since.
 */
export function sourcesFor(name: string, store: Pick<Store, 'list'>, results: string): Sources {
  const asked = new Map<string, Source>()
  const fileOf = ({ study, trial }: Pick<Source, 'study' | 'trial'>) => checkpointFile(trialDir(results, study, trial))
  return {
    bestOf: (study) => {
      const studies = store.list()
      const stored = studies.find(({ record }) => record.name === name)
      const kept = stored && stored.history.trials.length > 0 ? sourcesOf(stored) : []
      const trial = kept.find((source) => source.study === study)?.trial ?? bestTrial(studies, study)
      const file = fileOf({ study, trial })
      const source = { study, trial, checkpoint: hashOf(file, study, trial) }
      checkKept(source, kept, file)
      asked.set(study, source)
      return file
    },
    asked: () => [...asked.values()],
    files: () => Object.fromEntries([...asked].map(([study, source]) => [study, fileOf(source)])),
  }
}

function bestTrial(studies: readonly StoredStudy[], name: string): number {
  const found = studies.find(({ record }) => record.name === name)
  const winner = found && best(found.history)
  if (winner) return winner.number
  const what = found ? `'${name}' has no completed trial` : `no study '${name}' is stored here`
  throw new TuneError('study/unknown', `it begins from the best trial of '${name}', but ${what}`, {
    hint: `run '${name}' first, with the same --results`,
  })
}

function hashOf(file: string, study: string, trial: number): string {
  if (existsSync(file)) return fingerprint(readFileSync(file))
  throw new TuneError(
    'checkpoint/invalid',
    `trial ${trial} of '${study}' has left no checkpoint: there is no ${file}`,
    {
      hint: "its objective keeps one by trainModel with checkpoints: 'last', the default",
    },
  )
}

function checkKept(source: Source, kept: readonly Source[], file: string): void {
  const before = kept.find(({ study }) => study === source.study)
  if (!before || before.checkpoint === source.checkpoint) return
  throw new TuneError('study/changed', `${file} is another checkpoint than the one that earlier trials began from`, {
    hint: 'put it back as it was, or start the study anew by --name',
  })
}

/** What a study begins from, by its newest run. */
function sourcesOf({ events }: StoredStudy): readonly Source[] {
  return provenancesOf(events()).at(-1)?.sources ?? []
}

/**
 * Why the trials of a study no longer begin from the best that there is, in words: a source has a better trial by now, or
 * is stale itself. Empty where they do, or begin from nothing.
 */
export function staleness(studies: readonly StoredStudy[], stored: StoredStudy): readonly string[] {
  return sourcesOf(stored).flatMap(({ study, trial }) => {
    const found = studies.find((other) => other.record.name === study)
    const now = found && best(found.history)?.number
    if (!found || now === undefined) return [`'${study}', which it begins from, is gone`]
    if (now !== trial) return [`it begins from trial ${trial} of '${study}', whose best is trial ${now} by now`]
    // A study cannot come before itself, but files can be edited.
    const others = studies.filter((other) => other !== stored)
    return staleness(others, found).length > 0 ? [`'${study}', which it begins from, is stale itself`] : []
  })
}
