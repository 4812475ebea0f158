import { basename } from 'node:path'
import { Command } from 'commander'
import { TuneError } from '../errors.ts'
import { isStudyName } from '../results.ts'
import { importTrials, type Imported, type ImportedTrial } from '../store/import_trials.ts'
import { readOptunaFile, type OptunaStudy, type OtherTrial, type Refused } from '../store/optuna_file.ts'
import { spaceOfTrials } from '../store/optuna_space.ts'
import { openSqliteStore } from '../store/sqlite.ts'
import type { StudyRecord } from '../store/store.ts'
import { recordOf } from '../trials/driver.ts'
import { loadStudy } from '../trials/load.ts'
import { count } from './format.ts'
import { importedCsv } from './import_csv.ts'
import { jsonOption, resultsOption } from './options.ts'
import { findStudy } from './stored.ts'

interface Options {
  readonly results: string
  readonly study?: string
  readonly as?: string
  readonly into?: string
  readonly json?: true
}

/** `tune import optuna:FILE` and `tune import csv:FILE --into STUDY`. */
export function importCommand(print: (text: string) => void): Command {
  return new Command('import')
    .description('take trials that another program has run: of an Optuna file, or the rows of a CSV file')
    .argument('<source>', 'optuna:FILE or csv:FILE')
    .argument('[file]', 'the file, where it is not named with its kind')
    .option('--study <name>', 'which study of an Optuna file that has several')
    .option('--as <name>', 'the name of the new study; default: the one that it has there')
    .option('--into <study>', 'take them into a study of ours, as far as they lie in its space: its name or its file')
    .addOption(resultsOption())
    .addOption(jsonOption())
    .action(async (words: string, rest: string | undefined, options: Options) => {
      const { kind, file } = sourceOf(words, rest)
      const { name, taken, refused } = await (kind === 'csv' ? fromCsv(file, options) : fromOptuna(file, options))
      if (options.json)
        print(`${JSON.stringify({ study: name, taken, refused: Object.fromEntries(refused) }, undefined, 2)}\n`) // prettier-ignore
      else print(importedText(name, taken, refused, options))
    })
}

interface Done extends Imported {
  readonly name: string
}

function sourceOf(words: string, rest: string | undefined): { readonly kind: 'optuna' | 'csv'; readonly file: string } {
  const [, kind, named = ''] = /^(optuna|csv)(?::(.*))?$/s.exec(words) ?? []
  const file = named || rest
  if ((kind === 'optuna' || kind === 'csv') && file !== undefined && (named === '' || rest === undefined)) return { kind, file } // prettier-ignore
  throw new TuneError('usage', `tune import ${[words, rest ?? ''].join(' ').trim()}: where from is not said`, {
    hint: 'write tune import optuna:study.db, or tune import csv:runs.csv --into STUDY',
  })
}

async function fromOptuna(file: string, options: Options): Promise<Done> {
  const origin = `optuna:${basename(file)}`
  return readOptunaFile(file, options.study, async (study) => {
    const isNew = options.into === undefined
    const record = isNew ? newRecord(study, options) : await recordInto(options)
    checkGoals(study, record)
    const trials = imported(study, record, origin)
    return { name: record.name, ...(await importTrials(options.results, record, trials, { isNew })) }
  })
}

async function fromCsv(file: string, options: Options): Promise<Done> {
  if (options.into === undefined) {
    throw new TuneError('usage', 'a CSV file does not say what its columns are', {
      hint: 'name the study of ours that has them as its parameters and goals: --into STUDY',
    })
  }
  const record = await recordInto(options)
  const trials = importedCsv(file, record)
  return { name: record.name, ...(await importTrials(options.results, record, trials, { isNew: false })) }
}

/** The study of a file, or one that is stored. */
async function recordInto({ into = '', results }: Options): Promise<StudyRecord> {
  if (!/\.[cm]?[jt]s$/.test(into)) return findStudy(openSqliteStore(results), into).record
  const { study, codeHash } = await loadStudy(into, results)
  return recordOf(study, codeHash)
}

function newRecord(study: OptunaStudy, { as, results }: Options): StudyRecord {
  const name = as ?? study.name
  if (!isStudyName(name) || name === 'cache') {
    throw new TuneError('usage', `'${name}' cannot be the name of a study of ours`, { hint: 'give it another: --as NAME' }) // prettier-ignore
  }
  if (
    openSqliteStore(results)
      .list()
      .some(({ record }) => record.name === name)
  ) {
    throw new TuneError('usage', `a study '${name}' is stored here already`, {
      hint: `take them into it by --into ${name}, or give them another name by --as NAME`,
    })
  }
  const space = spaceOfTrials(study.trials)
  return { name, goals: study.goals, constraints: [], space, settings: {}, seed: 0, steps: null, codeHash: '' }
}

/** What is minimised there cannot be maximised here. */
function checkGoals(study: OptunaStudy, { name, goals }: StudyRecord): void {
  const [theirs, ours] = [study.goals, goals].map((all) => all.map(({ direction }) => direction).join(', '))
  if (theirs === ours) return
  throw new TuneError('study/changed', `'${study.name}' is to ${theirs || 'do nothing'}, '${name}' is to ${ours}`, {
    hint: 'import it as a study of its own: --as NAME',
  })
}

function* imported(
  study: OptunaStudy,
  { goals }: StudyRecord,
  origin: string,
): Iterable<ImportedTrial | { readonly why: string }> {
  for (const trial of study.trials) yield isRefused(trial) ? trial : { ...trial, ...renamed(trial), origin: `${origin}, study ${study.name}, ${trial.name}` } // prettier-ignore

  function renamed({ values, reports }: OtherTrial): Pick<ImportedTrial, 'values' | 'reports'> {
    return {
      values: new Map([...values].map(([name, { value }]) => [name, value])),
      reports: reports.map((row) => Object.fromEntries(row.map((value, i) => [goals[i]?.metric ?? '', value]))),
    }
  }
}

function isRefused(trial: OtherTrial | Refused): trial is Refused {
  return 'why' in trial
}

function importedText(name: string, taken: number, refused: ReadonlyMap<string, number>, { results }: Options): string {
  const where = results === 'results' ? '' : ` --results ${results}`
  const reasons = [...refused].map(([why, times]) => `  ${times} not taken: ${why}\n`).join('')
  return `took ${count(taken, 'trial')} into '${name}'\n${reasons}see them by: tune list --study ${name}${where}\n`
}
