import { Command } from 'commander'
import { TuneError } from '../errors.ts'
import type { Json } from '../json.ts'
import { openSqliteStore } from '../store/sqlite.ts'
import type { Store, StoredStudy } from '../store/store.ts'
import { BASELINE, best, hasEnded, type Trial } from '../trial.ts'
import { trialJson } from './events_json.ts'
import { bestConfig, bestYaml, studyJson, trialsCsv } from './export.ts'
import { duration, number, paramsLine, signed, table, wrap } from './format.ts'
import { jsonOption, natural, resultsOption } from './options.ts'
import { mark } from './progress.ts'
import { findStudy, findTrial } from './stored.ts'
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
        if (options.json) printJson(all.map(statusJson))
        else print(all.length ? `${statusTable(all)}\n` : 'no study is stored here yet\n')
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
        if (options.json) printJson({ ...trialJson(trial), reports: trial.reports as unknown as Json })
        else print(`${trialText(study, trial, terminal)}\n`)
      }),
    verb('best', 'the best configuration, beside the baseline')
      .addOption(jsonOption())
      .option('--yaml', 'as YAML')
      .action((options: Options & { readonly yaml?: boolean }) => {
        const study = read(options, (store) => findStudy(store, options.study))
        const config = configOf(study)
        if (options.json) printJson(config)
        else print(options.yaml ? bestYaml(config) : `${bestText(study, terminal)}\n`)
      }),
    verb('export', 'a study on stdout: --yaml the best configuration, --json everything, --csv a row a trial')
      .option('--yaml', 'the best configuration')
      .option('--json', 'the study and every report')
      .option('--csv', 'a row a trial')
      .action((options: Options & { readonly yaml?: boolean; readonly csv?: boolean }) => {
        const chosen = [options.yaml, options.json, options.csv].filter(Boolean).length
        if (chosen !== 1) throw new TuneError('usage', 'tune export needs one of --yaml, --json and --csv')
        const study = read(options, (store) => findStudy(store, options.study))
        if (options.yaml) print(bestYaml(configOf(study)))
        else if (options.json) printJson(studyJson(study))
        else print(trialsCsv(study))
      }),
  ]
}

function read<T>({ results }: Options, question: (store: Store) => T): T {
  const store = openSqliteStore(results)
  try {
    return question(store)
  } finally {
    store.close()
  }
}

function configOf(study: StoredStudy) {
  const config = bestConfig(study)
  if (!config)
    throw new TuneError('usage', `study '${study.record.name}' has no completed trial yet`, {
      hint: 'see how it stands: tune status',
    })
  return config
}

function statusJson({ record, history, startedAt, updatedAt }: StoredStudy): Json {
  const winner = best(history)
  return {
    study: record.name,
    trials: history.trials.length,
    ...counts(history.trials),
    goals: record.goals.map((goal) => ({ ...goal })),
    best: winner ? trialJson(winner) : null,
    startedAt: new Date(startedAt).toISOString(),
    updatedAt: new Date(updatedAt).toISOString(),
  }
}

function counts(trials: readonly Trial[]): Record<Trial['outcome']['state'], number> {
  const count = { running: 0, interrupted: 0, complete: 0, pruned: 0, failed: 0 }
  for (const trial of trials) count[trial.outcome.state]++
  return count
}

function statusTable(all: readonly StoredStudy[]): string {
  const rows = all.map(({ record, history }) => {
    const { complete, pruned, failed, running, interrupted } = counts(history.trials)
    const winner = best(history)
    const metric = record.goals[0]!.metric
    const value = winner ? `${metric} ${number(winner.reports.at(-1)!.metrics[metric]!)}` : '-'
    return [record.name, String(complete), String(pruned), String(failed), String(running + interrupted), value]
  })
  return table(['study', 'complete', 'pruned', 'failed', 'open', 'best'], rows)
}

function trialTable({ record, history }: StoredStudy, terminal: Terminal): string {
  const metric = record.goals[0]!.metric
  const rows = history.trials.map((trial) => {
    const value = trial.reports.at(-1)?.metrics[metric]
    return [
      `${mark(trial.outcome.state, terminal)} ${trial.number}`,
      trial.outcome.state,
      String(trial.reports.length),
      value === undefined ? '-' : number(value),
      paramsLine(trial.params),
    ]
  })
  return table(['trial', 'state', 'steps', metric, 'params'], rows, [0, 1, 4])
}

function trialText({ record }: StoredStudy, trial: Trial, terminal: Terminal): string {
  const { outcome } = trial
  const names = [...new Set(trial.reports.flatMap((report) => Object.keys(report.metrics)))]
  const reports = trial.reports.map(({ step, metrics }) => [
    String(step),
    ...names.map((name) => (name in metrics ? number(metrics[name]!) : '-')),
  ])
  const first = trial.reports[0]
  const seconds =
    first && trial.reports.length > 1
      ? `, ${duration((trial.reports.at(-1)!.at - first.at) / 1000)} between first and last report`
      : ''
  return [
    `${mark(outcome.state, terminal)} trial ${trial.number} of ${record.name}: ${outcome.state}${trial.number === BASELINE ? ' (the baseline)' : ''}`,
    ...(outcome.state === 'failed' ? [wrap(`${outcome.code}: ${outcome.message}`, terminal.columns, '  ')] : []),
    ...Object.entries(trial.params).map(([name, value]) => `  ${paramsLine({ [name]: value })}`),
    `  seed ${trial.seed}, on ${trial.device.kind}${trial.device.kind === 'cpu' ? '' : `:${trial.device.index}`} with ${trial.device.threads} thread${trial.device.threads === 1 ? '' : 's'}${seconds}`,
    ...(reports.length ? [table(['step', ...names], reports, [])] : ['  no report' + (hasEnded(trial) ? '' : ' yet')]),
  ].join('\n')
}

function bestText(study: StoredStudy, terminal: Terminal): string {
  const { history, record } = study
  const winner = best(history)!
  const baseline = history.trials.find((trial) => trial.number === BASELINE && trial.outcome.state === 'complete')
  const names = Object.keys(winner.reports.at(-1)!.metrics)
  const rows = names.map((name) => {
    const value = winner.reports.at(-1)!.metrics[name]!
    const start = baseline?.reports.at(-1)?.metrics[name]
    return [
      name,
      number(value),
      start === undefined ? '-' : number(start),
      start === undefined ? '-' : signed(value - start),
    ]
  })
  return [
    `trial ${winner.number} of ${record.name}${winner.number === BASELINE ? ', the baseline: nothing beat it' : ''}`,
    wrap(paramsLine(winner.params), terminal.columns),
    table(['metric', 'best', 'baseline', 'difference'], rows),
  ].join('\n')
}
