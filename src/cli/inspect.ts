import { existsSync } from 'node:fs'
import { Command } from 'commander'
import { TuneError } from '../errors.ts'
import type { Json } from '../json.ts'
import { openSqliteStore } from '../store/sqlite.ts'
import type { Store, StoredStudy } from '../store/store.ts'
import { exportOnnx } from '../models/export_onnx.ts'
import { checkpointFile, logFile, trialDir, writeAtomically } from '../results.ts'
import { best, countStates, type Trial } from '../trial.ts'
import { staleness } from '../trials/sources.ts'
import { trialJson, trialWithReports } from './events_json.ts'
import { bestConfig, bestYaml, studyJson, trialsCsv } from './export.ts'
import { wrap } from './format.ts'
import { imageSize, jsonOption, natural, resultsOption, type ImageSize } from './options.ts'
import { findStudy, findTrial } from './stored.ts'
import { bestText, statusTable, trialTable, trialText } from './tables.ts'
import type { Terminal } from './terminal.ts'

interface Options {
  readonly results: string
  readonly study?: string
  readonly json?: boolean
}

type Print = (text: string) => void

/** The verbs that only read what is stored: status, list, show, best, export. They work while a study runs. */
export function inspectCommands(print: Print, terminal: Terminal): readonly Command[] {
  const verb = (name: string, description: string) =>
    new Command(name)
      .description(description)
      .addOption(resultsOption())
      .option('--study <name>', 'which study; default: the one changed last')
  const printJson = (value: Json) => print(`${JSON.stringify(value, null, 2)}\n`)
  return [
    new Command('status')
      .description('one line per study')
      .addOption(resultsOption())
      .addOption(jsonOption())
      .action((options: Options) => {
        const all = read(options, (store) => store.list())
        if (options.json) printJson(all.map((study) => statusJson(study, all)))
        else print(all.length ? `${statusTable(all)}\n${staleText(all, terminal)}` : 'no study is stored here yet\n')
      }),
    verb('list', 'the trials of a study')
      .addOption(jsonOption())
      .action((options: Options) => {
        const study = read(options, (store) => findStudy(store, options.study))
        if (options.json) printJson(study.history.trials.map(trialJson))
        else print(`${trialTable(study, terminal)}\n`)
      }),
    verb('show', 'all of one trial')
      .argument('<trial>', 'its number', natural)
      .addOption(jsonOption())
      .action((trialNumber: number, options: Options) => {
        const study = read(options, (store) => findStudy(store, options.study))
        const trial = findTrial(study, trialNumber)
        const log = logFile(trialDir(options.results, study.record.name, trial.number))
        if (options.json) printJson(trialWithReports(trial))
        else print(`${trialText(study, trial, log, terminal)}\n`)
      }),
    verb('best', 'the best configuration, beside the baseline')
      .addOption(jsonOption())
      .option('--yaml', 'as YAML')
      .action((options: Options & { readonly yaml?: boolean }) => {
        const study = read(options, (store) => findStudy(store, options.study))
        const winner = bestOf(study)
        if (options.json) printJson(bestConfig(study, winner))
        else print(options.yaml ? bestYaml(study, winner) : `${bestText(study, winner, terminal)}\n`)
      }),
    verb('export', 'a study on stdout: --yaml the best configuration, --json everything, --csv a row a trial')
      .option('--yaml', 'the best configuration')
      .option('--json', 'the study and every report')
      .option('--csv', 'a row a trial')
      .option('--onnx <file>', 'write the trained network of the best trial as a standard .onnx file')
      .option('--trial <n>', 'of another trial than the best', natural)
      .option(
        '--size <HxW>',
        'height and width of the images that it takes; default: as most training images',
        imageSize,
      )
      .action(async (options: ExportOptions) => {
        const chosen = [options.yaml, options.json, options.csv, options.onnx].filter(Boolean).length
        if (chosen !== 1)
          throw new TuneError('usage', `tune export takes one of --yaml, --json, --csv and --onnx, not ${chosen}`)
        const study = read(options, (store) => findStudy(store, options.study))
        if (options.onnx !== undefined) print(await exportNetwork(study, options.onnx, options))
        else if (options.yaml) print(bestYaml(study, bestOf(study)))
        else if (options.json) printJson(studyJson(study))
        else print(trialsCsv(study))
      }),
  ]
}

interface ExportOptions extends Options {
  readonly yaml?: boolean
  readonly csv?: boolean
  readonly onnx?: string
  readonly trial?: number
  readonly size?: ImageSize
}

async function exportNetwork(study: StoredStudy, out: string, options: ExportOptions): Promise<string> {
  const { number } = options.trial === undefined ? bestOf(study) : findTrial(study, options.trial)
  const checkpoint = checkpointFile(trialDir(options.results, study.record.name, number))
  if (!existsSync(checkpoint)) {
    throw new TuneError(
      'usage',
      `trial ${number} of '${study.record.name}' has kept no network: ${checkpoint} is missing`,
      {
        hint: 'trials that trained to their end keep theirs; choose one with --trial',
      },
    )
  }
  const { file, height, width, notes } = await exportOnnx(checkpoint, options.size)
  writeAtomically(out, file)
  const about = `${out}  trial ${number}, images of ${height}x${width}, ${(file.length / 1024).toFixed(0)} KiB`
  return [about, ...notes].join('\n') + '\n'
}

function read<T>({ results }: Options, question: (store: Store) => T): T {
  const store = openSqliteStore(results)
  try {
    return question(store)
  } finally {
    store.close()
  }
}

function bestOf({ record, history }: StoredStudy): Trial {
  const winner = best(history)
  if (winner) return winner
  throw new TuneError('usage', `study '${record.name}' has no completed trial yet`, {
    hint: 'see how it stands: tune status',
  })
}

/** A line a study that no longer begins from the best there is. */
function staleText(studies: readonly StoredStudy[], { columns }: Terminal): string {
  const lines = studies.flatMap((study) => staleness(studies, study).map((reason) => `${study.record.name} is stale: ${reason}`)) // prettier-ignore
  return lines.map((line) => `${wrap(line, columns, '  ')}\n`).join('')
}

function statusJson(study: StoredStudy, all: readonly StoredStudy[]): Json {
  const { record, history, startedAt, updatedAt } = study
  const winner = best(history)
  return {
    study: record.name,
    trials: history.trials.length,
    ...countStates(history.trials),
    goals: record.goals.map((goal) => ({ ...goal })),
    best: winner ? trialJson(winner) : null,
    stale: staleness(all, study),
    startedAt: new Date(startedAt).toISOString(),
    updatedAt: new Date(updatedAt).toISOString(),
  }
}
