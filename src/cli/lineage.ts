import { existsSync, readFileSync } from 'node:fs'
import { Command } from 'commander'
import type { Json } from '../json.ts'
import { fingerprint } from '../json.ts'
import { checkpointFile, trialDir } from '../results.ts'
import { openSqliteStore } from '../store/sqlite.ts'
import type { Attempt, StoredStudy } from '../store/store.ts'
import { lineOf, type Device, type Trial } from '../trial.ts'
import { loadStudy } from '../trials/load.ts'
import { provenanceOf, surroundings, type Provenance } from '../trials/provenance.ts'
import { staleness } from '../trials/sources.ts'
import { count, duration, metricText, paramsLine, wrap } from './format.ts'
import { readLaunch } from './launch.ts'
import { jsonOption, natural, resultsOption } from './options.ts'
import { findStudy, findTrial } from './stored.ts'
import type { Terminal } from './terminal.ts'

interface Options {
  readonly results: string
  readonly study?: string
  readonly json?: boolean
}

/** `tune lineage`: where a trial comes from, down to the bits. */
export function lineageCommand(print: (text: string) => void, terminal: Terminal): Command {
  return new Command('lineage')
    .description('where a trial comes from: code, data, settings, seed, versions, machine, and what it began from')
    .argument('<trial>', 'its number', natural)
    .addOption(resultsOption())
    .option('--study <name>', 'which study; default: the one changed last')
    .addOption(jsonOption())
    .action(async (number: number, { results, study, json }: Options) => {
      const store = openSqliteStore(results)
      const studies = store.list()
      const stored = findStudy({ list: () => studies }, study)
      const lineage = await lineageOf(studies, stored, findTrial(stored, number), results)
      print(
        json ? `${JSON.stringify(lineageJson(lineage), null, 2)}\n` : `${lineageText(lineage, results, terminal)}\n`,
      )
    })
}

interface Lineage {
  readonly stored: StoredStudy
  readonly trial: Trial
  /** Undefined where an older version ran it. */
  readonly provenance: Provenance | undefined
  readonly attempts: readonly Attempt[]
  /** sha256 of the network that it left, where it left one. */
  readonly checkpoint: string | undefined
  /** What is no longer as it was, in words. */
  readonly changes: readonly string[]
}

async function lineageOf(
  studies: readonly StoredStudy[],
  stored: StoredStudy,
  trial: Trial,
  results: string,
): Promise<Lineage> {
  const attempts = stored.attempts(trial.number)
  const provenance = provenanceOf(stored, trial)
  const changes = provenance
    ? [...(await codeChange(provenance, stored.record.name, results)), ...surroundingsSince(provenance)]
    : []
  const file = checkpointFile(trialDir(results, stored.record.name, trial.number))
  return {
    stored,
    trial,
    provenance,
    attempts,
    checkpoint: existsSync(file) ? fingerprint(readFileSync(file)) : undefined,
    changes: [...changes, ...staleness(studies, stored)],
  }
}

/** What differs between here and where a trial ran, in words: versions and machine. */
export function surroundingsSince({ versions, machine }: Provenance): readonly string[] {
  const now = surroundings()
  const changed = Object.entries(versions).flatMap(([name, was]) => {
    const is = now.versions[name] ?? 'missing'
    return is === was ? [] : [`${name} was ${was}, is ${is}`]
  })
  return now.machine === machine ? changed : [...changed, `the machine was ${machine}, is ${now.machine}`]
}

async function codeChange({ code }: Provenance, study: string, results: string): Promise<readonly string[]> {
  const { file } = readLaunch(results, study)
  if (!existsSync(file)) return [`its study file ${file} is gone`]
  const { codeHash } = await loadStudy(file, results)
  return codeHash === code ? [] : [`its code was edited since: ${file}`]
}

function lineageText(lineage: Lineage, results: string, terminal: Terminal): string {
  const { stored, trial, provenance, attempts, checkpoint, changes } = lineage
  const { record, history } = stored
  const result = metricText(record.goals[0]!, trial.reports.at(-1)?.metrics, terminal)
  const line = lineOf(history, trial).map(({ number }) => number)
  const origin = line.length > 1 ? `trials ${line.slice(0, -1).join(', then ')}` : sourceText(provenance)
  const rows: readonly (readonly [string, string])[] = [
    ['params', paramsLine(trial.params)],
    ['seed', `${trial.seed}, of study seed ${record.seed}`],
    ['settings', paramsLine(provenance?.settings ?? record.settings) || 'none'],
    ['from', origin],
    ['code', short(provenance?.code ?? record.codeHash)],
    ...(provenance ? provenanceRows(provenance) : ([['unknown', 'data, versions, machine: an older panoptune ran it']] as const)), // prettier-ignore
    ...attempts.map((attempt, i) => [`attempt ${i + 1}`, attemptText(attempt)] as const),
    ...(checkpoint === undefined ? [] : ([['left', `a network, sha256 ${short(checkpoint)}`]] as const)),
    ['changed', changes.join('; ') || 'nothing that can be seen from here'],
    [
      'again',
      `npx tune rerun ${trial.number} --study ${record.name}${results === 'results' ? '' : ` --results ${results}`}`,
    ],
  ]
  const indent = ' '.repeat(12)
  const head = `trial ${trial.number} of ${record.name}: ${trial.outcome.state}${result && `, ${result}`}, ${count(trial.reports.length, 'report')}`
  return [
    wrap(head, terminal.columns, '  '),
    ...rows.map(([name, text]) => wrap(`${name.padEnd(10)}  ${text}`, terminal.columns, indent)),
  ].join('\n')
}

function provenanceRows({ data, versions, host, machine }: Provenance): readonly (readonly [string, string])[] {
  return [
    ['data', short(data)],
    ['versions', Object.entries(versions).map(([name, version]) => `${name} ${version}`).join(', ')], // prettier-ignore
    ['machine', `${host}, ${machine}`],
  ]
}

function sourceText(provenance: Provenance | undefined): string {
  const sources = provenance?.sources ?? []
  return sources.map(({ study, trial, checkpoint }) => `trial ${trial} of ${study}, sha256 ${short(checkpoint)}`).join('; ') || 'nothing: it began anew' // prettier-ignore
}

function attemptText({ device, host, startedAt, endedAt, how, why }: Attempt): string {
  const took = endedAt === null ? '' : `, ${duration((endedAt - startedAt) / 1000)}`
  const end = how === null ? 'runs' : why === null ? how : `${how}: ${why}`
  return `${new Date(startedAt).toISOString()} on ${host}, ${deviceText(device)}${took}, ${end}`
}

function deviceText({ kind, index, threads, uuid }: Device): string {
  return `${kind === 'cpu' ? kind : `${kind}:${index}`}${uuid === undefined ? '' : ` ${uuid}`} with ${count(threads, 'thread')}`
}

function short(hash: string): string {
  return hash.slice(0, 12)
}

function lineageJson({ stored, trial, provenance, attempts, checkpoint, changes }: Lineage): Json {
  const { record, history } = stored
  return {
    study: record.name,
    trial: trial.number,
    params: trial.params,
    seed: trial.seed,
    studySeed: record.seed,
    line: lineOf(history, trial).map(({ number }) => number),
    code: provenance?.code ?? record.codeHash,
    provenance: provenance ? (provenance as unknown as Json) : null,
    attempts: attempts as unknown as Json,
    checkpoint: checkpoint ?? null,
    changes,
  }
}
