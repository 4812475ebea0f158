import { leaves } from '../space.ts'
import type { StoredStudy, StudyRecord } from '../store/store.ts'
import {
  BASELINE,
  best,
  countStates,
  describeConstraint,
  excessOf,
  front,
  hasEnded,
  lineOf,
  type History,
  type Trial,
} from '../trial.ts'
import {
  count,
  duration,
  metricColumn,
  metricNames,
  number,
  numbers,
  paramsLine,
  paramValue,
  signed,
  table,
  width,
  wrap,
  wrapParams,
} from './format.ts'
import { mark } from './marks.ts'
import type { Terminal } from './terminal.ts'

/** A line a study. */
export function statusTable(studies: readonly StoredStudy[]): string {
  const rows = studies.map(({ record, history }) => {
    const { complete, pruned, failed, running, interrupted, paused } = countStates(history.trials)
    const value = resultOf(best(history), record.goals[0]!.metric)
    const result = value === undefined ? '-' : `${record.goals[0]!.metric} ${number(value)}`
    return [record.name, ...[complete, pruned, failed, running + interrupted + paused].map(String), result]
  })
  return table(['study', 'complete', 'pruned', 'failed', 'open', 'best'], rows)
}

/** A row a trial: params in columns of their own or, where those do not fit, below. */
export function trialTable({ record, history }: StoredStudy, terminal: Terminal): string {
  const { trials, dims } = history
  const goals = record.goals.map(({ metric }) => metric)
  const results = goals.map((metric) => numbers(trials.map((trial) => resultOf(trial, metric))))
  const heads = ['trial', 'state', 'steps', ...goals]
  const rows = trials.map((trial, i) => {
    const { state } = trial.outcome
    return [`${mark(state, terminal)} ${trial.number}`, state, String(trial.reports.length), ...results.map((column) => column[i] ?? '-')] // prettier-ignore
  })

  const values = trials.map(({ params }) => leaves(record.space, params).map(({ value, active }) => (active ? paramValue(value) : '-'))) // prettier-ignore
  const names = dims.map(({ name }) => name)
  const left = dims.flatMap(({ ordered }, i) => (ordered ? [] : [heads.length + i]))
  const full = rows.map((row, i) => [...row, ...(values[i] ?? [])])
  const wide = table([...heads, ...names], full, [0, 1, ...left])
  if (Math.max(...wide.split('\n').map(width)) <= terminal.columns) return wide

  const [head = '', ...lines] = table(heads, rows, [0, 1]).split('\n')
  const indent = ' '.repeat(4)
  const below = trials.map(({ params }) => indent + wrapParams(params, terminal.columns - indent.length, indent))
  return [head, ...lines.flatMap((line, i) => [line, below[i] ?? ''])].join('\n')
}

/** All of one trial. */
export function trialText(stored: StoredStudy, trial: Trial, log: string, terminal: Terminal): string {
  const { record, history } = stored
  const { outcome, device, seed, reports } = trial
  const baseline = trial.number === BASELINE ? ' (the baseline)' : ''
  const place = device.kind === 'cpu' ? 'cpu' : `${device.kind}:${device.index}`
  return [
    wrap(`${mark(outcome.state, terminal)} trial ${trial.number} of ${record.name}: ${outcome.state}${baseline}`, terminal.columns, '  '), // prettier-ignore
    ...(outcome.state === 'failed' ? [wrap(`  ${outcome.code}: ${outcome.message}`, terminal.columns, '  ')] : []),
    ...Object.entries(trial.params).map(([name, value]) => `  ${paramsLine({ [name]: value })}`),
    ...Object.entries(trial.derived ?? {}).map(([name, value]) => `  ${paramsLine({ [name]: value })} (derived)`),
    `  seed ${seed}, on ${place} with ${count(device.threads, 'thread')}`,
    `  log ${log}`,
    ...(trial.from === undefined ? [] : ['', lineTable(record.space, history, trial), '']),
    reports.length > 0 ? reportTable(trial, terminal) : `  no report${hasEnded(trial) ? '' : ' yet'}`,
  ].join('\n')
}

/** The schedule along a trial and those that it continued, a row each. */
export function lineTable(
  space: StudyRecord['space'],
  history: Pick<History, 'goals' | 'trials'>,
  trial: Trial,
): string {
  const metric = history.goals[0]!.metric
  const line = lineOf(history, trial)
  const results = numbers(line.map((one) => resultOf(one, metric)))
  const values = line.map(({ params }) => leaves(space, params).map(({ value, active }) => (active ? paramValue(value) : '-'))) // prettier-ignore
  const names = leaves(space, trial.params).map(({ name }) => name)
  return table(
    ['trial', ...names, metric],
    line.map(({ number }, i) => [String(number), ...values[i]!, results[i]!]),
  )
}

function reportTable({ reports }: Trial, terminal: Terminal): string {
  const all = reports.map(({ metrics }) => metrics)
  const first = reports[0]?.at ?? 0
  const metrics = metricNames(all).map((name) => [name, ...metricColumn(name, all, terminal)])
  const times = ['after the first', ...reports.map(({ at }) => `+${duration((at - first) / 1000)}`)]
  return foldedTable(['step', ...reports.map(({ step }) => String(step))], [...metrics, times], terminal.columns)
}

/** A table of columns, each under its heading; those that do not fit go on below, behind `key` again. */
function foldedTable(key: readonly string[], columns: readonly (readonly string[])[], room: number): string {
  const parts: (readonly string[])[][] = []
  let free = 0
  for (const column of columns) {
    const needed = 2 + Math.max(...column.map(width))
    const isNew = needed > free
    if (isNew) parts.push([key])
    free = (isNew ? room - Math.max(...key.map(width)) : free) - needed
    parts.at(-1)!.push(column)
  }
  const rowsOf = (part: readonly (readonly string[])[]) => key.map((_, row) => part.map((column) => column[row] ?? '-'))
  return parts.map((part) => rowsOf(part)).map(([heads = [], ...rows]) => table(heads, rows, [])).join('\n\n') // prettier-ignore
}

/** The best beside the baseline; with several goals, all that none beats. */
export function bestText({ history, record }: StoredStudy, winner: Trial, terminal: Terminal): string {
  const baseline = history.trials.find(({ number, outcome }) => number === BASELINE && outcome.state === 'complete')
  const results = [winner.reports.at(-1)?.metrics ?? {}, baseline?.reports.at(-1)?.metrics]
  const rows = metricNames([results[0]!]).map((metric) => {
    const [value = Number.NaN, start] = results.map((one) => one?.[metric])
    return [metric, ...metricColumn(metric, results, terminal), start === undefined ? '-' : signed(value - start)]
  })
  const note = winner.number === BASELINE ? ', the baseline: nothing beat it' : ''
  const goals = record.goals.map(({ metric }) => metric)
  return [
    `trial ${winner.number} of ${record.name}${note}${brokenText(history, winner)}`,
    wrapParams(winner.params, terminal.columns, '  '),
    table(['metric', 'best', 'baseline', 'difference'], rows),
    ...(goals.length > 1 ? ['', 'trials that no other beats in one goal and equals in the rest:', frontTable(goals, front(history))] : []), // prettier-ignore
  ].join('\n')
}

/** What the best trial breaks, where no trial keeps all constraints. */
export function brokenText({ constraints = [] }: Pick<History, 'constraints'>, winner: Trial): string {
  const broken = constraints.filter((constraint) => excessOf(constraint, winner.reports.at(-1)?.metrics) > 0)
  return broken.length === 0
    ? ''
    : `; it breaks ${broken.map(describeConstraint).join(', ')}: no trial keeps all constraints`
}

/** A row a trial of a Pareto front. */
export function frontTable(goals: readonly string[], trials: readonly Trial[]): string {
  const columns = goals.map((goal) => numbers(trials.map((trial) => resultOf(trial, goal))))
  const rows = trials.map(({ number }, i) => [String(number), ...columns.map((column) => column[i] ?? '-')])
  return table(['trial', ...goals], rows)
}

function resultOf(trial: Trial | undefined, metric: string): number | undefined {
  return trial?.reports.at(-1)?.metrics[metric]
}
