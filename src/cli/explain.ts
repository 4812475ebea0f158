import { Command } from 'commander'
import { isTuneError } from '../errors.ts'
import type { Json } from '../json.ts'
import type { Pruner, Verdict } from '../search/pruner.ts'
import { openSqliteStore } from '../store/sqlite.ts'
import type { StoredStudy } from '../store/store.ts'
import { BASELINE, type Trial, type History } from '../trial.ts'
import { blame } from '../trials/blame.ts'
import { loadStudy } from '../trials/load.ts'
import { finite } from './events_json.ts'
import { count, wrap } from './format.ts'
import { readLaunch } from './launch.ts'
import { jsonOption, natural, resultsOption } from './options.ts'
import { decisionsOf, pastOf, type Decision } from './past.ts'
import { findStudy, findTrial } from './stored.ts'
import type { Terminal } from './terminal.ts'

interface Options {
  readonly results: string
  readonly study?: string
  readonly json?: boolean
}

/** `tune explain`: why a trial was tried, and why it went on or was stopped at each step. */
export function explainCommand(print: (text: string) => void, terminal: Terminal): Command {
  return new Command('explain')
    .description('why a trial was tried, went on and was stopped; each decision is made again from the stored reports')
    .argument('<trial>', 'its number', natural)
    .addOption(resultsOption())
    .option('--study <name>', 'which study; default: the one changed last')
    .addOption(jsonOption())
    .action(async (number: number, options: Options) => {
      const store = openSqliteStore(options.results)
      try {
        const stored = findStudy(store, options.study)
        const explanation = await explain(stored, findTrial(stored, number), options.results)
        print(options.json ? `${JSON.stringify(explanationJson(explanation), null, 2)}\n` : `${explanationText(explanation, terminal)}\n`) // prettier-ignore
      } finally {
        store.close()
      }
    })
}

/** A trial, and every decision about it beside what the pruner makes of it now. */
interface Explanation {
  readonly study: string
  readonly trial: Trial
  readonly decisions: readonly Explained[]
  readonly hasPruner: boolean
  /** Why nothing could be recomputed; undefined where it was. */
  readonly unknown: string | undefined
}

interface Explained {
  readonly decision: Decision
  /** Undefined where it was not recomputed, or the pruner has nothing to decide now. */
  readonly again: Verdict | undefined
  readonly isSame: boolean
}

async function explain(stored: StoredStudy, trial: Trial, results: string): Promise<Explanation> {
  const events = stored.events()
  const all = decisionsOf(events)
  const own = all.filter((decision) => decision.trial === trial.number)
  const pruner = own.length > 0 ? await prunerOf(stored, results) : 'nothing was decided'
  const known = { history: stored.history, attempts: remembered(stored.attempts) }
  const decisions = own.map((decision): Explained => {
    const again = typeof pruner === 'string' ? undefined : recomputed(known, all, decision, pruner)
    return { decision, again, isSame: again !== undefined && isSame(decision, again) }
  })
  const hasPruner = events.some(({ kind, pruner: name }) => kind === 'study-started' && typeof name === 'string')
  const unknown = typeof pruner === 'string' ? pruner : undefined
  return { study: stored.record.name, trial, decisions, hasPruner, unknown }
}

/** Each is read once. */
function remembered(attempts: StoredStudy['attempts']): StoredStudy['attempts'] {
  const read = new Map<number, ReturnType<StoredStudy['attempts']>>()
  return (trial) => {
    const known = read.get(trial) ?? attempts(trial)
    read.set(trial, known)
    return known
  }
}

/** The study's pruner, from its file as long as that is what was run; otherwise why not. */
async function prunerOf({ record }: StoredStudy, results: string): Promise<Pruner | string> {
  try {
    const { file } = readLaunch(results, record.name)
    const { study, codeHash } = await loadStudy(file, results)
    if (codeHash !== record.codeHash) return `${file} was edited since`
    return study.pruner ?? `${file} has no pruner`
  } catch (error) {
    if (isTuneError(error)) return error.message
    throw error
  }
}

/**
 * What the pruner makes of what was known then. Of what happened in the same millisecond, what fits counts as known; when
 * trials ended is looked up where it matters, for that takes a query each.
 */
function recomputed(
  { history, attempts }: Pick<StoredStudy, 'history' | 'attempts'>,
  all: readonly Decision[],
  decision: Decision,
  pruner: Pruner,
): Verdict | undefined {
  const verdictIn = (past: History) => {
    const trial = past.trials.find(({ number }) => number === decision.trial)!
    return blame(`pruner '${pruner.name}'`, () =>
      decision.action === 'promote' ? promotionIn(pruner, past, decision) : pruner.judge(trial, past),
    )
  }
  const pasts = [{}, { attempts }].flatMap((known) => [
    { ...known, withTies: true },
    { ...known, withTies: false },
  ])
  let first: Verdict | undefined
  for (const known of pasts) {
    const verdict = verdictIn(pastOf(history, all, decision, known))
    if (verdict && isSame(decision, verdict)) return verdict
    first ??= verdict
  }
  return first
}

/** The log does not say whether others would still come: where only the last would be promoted, none were to. */
function promotionIn(pruner: Pruner, past: History, { trial }: Decision): Verdict | undefined {
  const promotion = pruner.promote?.(past, false)
  return promotion?.number === trial ? promotion : (pruner.promote?.(past, true) ?? promotion)
}

function isSame({ action, numbers }: Decision, again: Verdict): boolean {
  const names = Object.keys({ ...numbers, ...again.numbers })
  return action === again.action && names.every((name) => isEqual(numbers[name], again.numbers[name]))
}

/** Stored numbers have no -0. */
function isEqual(a: number | undefined, b: number | undefined): boolean {
  return a === b || (Number.isNaN(a) && Number.isNaN(b))
}

const DONE = { keep: 'kept', stop: 'stopped', pause: 'paused', promote: 'promoted' } as const

function explanationText({ study, trial, decisions, hasPruner, unknown }: Explanation, terminal: Terminal): string {
  const lines = decisions.flatMap(({ decision, again, isSame }) => {
    const stored = `step ${decision.step}: ${DONE[decision.action]} by ${decision.pruner}: ${decision.reason}`
    if (isSame || unknown !== undefined) return [stored]
    const now = again ? `${DONE[again.action]}: ${again.reason}` : 'there is nothing to decide'
    return [stored, `  differs: recomputed from the stored reports, ${now}`]
  })
  const text = [
    `trial ${trial.number} of ${study}: ${outcomeText(trial)}`,
    `tried: ${trial.reason ?? 'why was not stored'}`,
    ...lines,
    conclusion(trial, decisions, hasPruner, unknown),
  ]
  return text.map((line) => wrap(line, terminal.columns, '    ')).join('\n')
}

function outcomeText({ outcome, reports }: Trial): string {
  const after = ` after ${count(reports.length, 'report')}`
  return outcome.state === 'failed' ? `failed${after}: ${outcome.message}` : `${outcome.state}${after}`
}

function conclusion(
  { number }: Trial,
  decisions: readonly Explained[],
  hasPruner: boolean,
  unknown: string | undefined,
): string {
  if (!hasPruner && decisions.length === 0) return 'its study has no pruner'
  if (decisions.length === 0)
    return number === BASELINE ? 'the baseline is never stopped early' : 'its pruner had nothing to decide'
  if (unknown !== undefined) return `not recomputed, this is what was stored: ${unknown}`
  const differing = decisions.filter(({ isSame }) => !isSame).length
  const again = `recomputed from the stored reports as they were known then: ${count(decisions.length, 'decision')}`
  return differing === 0 ? `${again}, the same` : `${again}, ${differing} of them otherwise`
}

function explanationJson({ study, trial, decisions, unknown }: Explanation): Json {
  const shown = ({ action, reason, numbers }: Verdict) => ({ action, reason, numbers: finite(numbers) })
  return {
    study,
    trial: trial.number,
    state: trial.outcome.state,
    reason: trial.reason ?? null,
    decisions: decisions.map(({ decision, again, isSame }) => ({
      step: decision.step,
      at: new Date(decision.at).toISOString(),
      pruner: decision.pruner,
      ...shown(decision),
      recomputed: again ? shown(again) : null,
      same: unknown === undefined ? isSame : null,
    })),
    notRecomputed: unknown ?? null,
  }
}
