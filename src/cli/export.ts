import { stringify } from 'yaml'
import type { Json } from '../json.ts'
import { leaves, type Choice } from '../space.ts'
import type { StoredStudy } from '../store/store.ts'
import { baselineOf, front, isOverall, type Trial } from '../trial.ts'
import { version } from '../version.ts'
import { finite, trialWithReports } from './events_json.ts'

/** The best configuration and where it comes from, as `best.yaml` and `tune best` give it. */
export function bestConfig({ record, history }: StoredStudy, winner: Trial): { readonly [key: string]: Json } {
  const baseline = baselineOf(history)
  return {
    study: record.name,
    trial: winner.number,
    params: winner.params,
    ...(winner.derived && { derived: winner.derived }),
    metrics: resultOf(winner),
    baseline: baseline ? { params: baseline.params, metrics: resultOf(baseline) } : null,
    ...(record.goals.length > 1 ? { front: front(history).map(({ number }) => number) } : {}),
    seed: winner.seed,
    studySeed: record.seed,
    steps: record.steps ?? null,
    settings: record.settings,
    goals: record.goals.map((goal) => ({ ...goal })),
    code: record.codeHash,
    panoptune: version(),
  }
}

/** The best configuration as YAML, with a line that says what it is. */
export function bestYaml(study: StoredStudy, winner: Trial): string {
  return `# The best trial of a study, written by panoptune.\n${stringify(bestConfig(study, winner), { aliasDuplicateObjects: false })}`
}

/** A study whole: its record and every trial with every report. */
export function studyJson({ record, history }: StoredStudy): Json {
  const { name, goals, space, settings, seed, codeHash } = record
  return {
    name,
    goals: goals.map((goal) => ({ ...goal })),
    space: space as unknown as Json,
    settings,
    seed,
    codeHash,
    trials: history.trials.map(trialWithReports),
  }
}

/** One row a trial: number, state, steps, params (nested ones flat), metrics of the last report. RFC 4180. */
export function trialsCsv({ record, history }: StoredStudy): string {
  const names = history.dims.map((dim) => dim.name)
  const metrics = [
    ...new Set(history.trials.flatMap((trial) => Object.keys(trial.reports.at(-1)?.metrics ?? {}))),
  ].filter(isOverall)
  const rows = history.trials.map((trial) => {
    const values = leaves(record.space, trial.params).map(({ value, active }) => (active ? value : ''))
    const last = trial.reports.at(-1)?.metrics ?? {}
    return [
      trial.number,
      trial.outcome.state,
      trial.reports.length,
      trial.seed,
      trial.outcome.state === 'failed' ? `${trial.outcome.code}: ${trial.outcome.message}` : '',
      ...values,
      ...metrics.map((name) => last[name] ?? ''),
    ]
  })
  // Named as Optuna's data frames name them, so that a parameter and a metric may share a name.
  const columns = [...names.map((name) => `params_${name}`), ...metrics.map((name) => `metrics_${name}`)]
  const head = ['trial', 'state', 'steps', 'seed', 'failure', ...columns]
  return [head, ...rows].map((row) => `${row.map(csvField).join(',')}\r\n`).join('')
}

function csvField(value: Choice): string {
  const text = String(value ?? '')
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

function resultOf(trial: Trial) {
  return finite(trial.reports.at(-1)?.metrics ?? {})
}
