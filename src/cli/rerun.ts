import { join, resolve } from 'node:path'
import { Command } from 'commander'
import { systemClock } from '../clock.ts'
import { TuneError } from '../errors.ts'
import type { StudyEvent } from '../event.ts'
import type { Json } from '../json.ts'
import { emptyDir, studyDir, trialDir } from '../results.ts'
import { openSqliteStore } from '../store/sqlite.ts'
import type { Store, StoredStudy } from '../store/store.ts'
import type { Study } from '../study.ts'
import { hasEnded, type Metrics, type Trial } from '../trial.ts'
import { contentHash } from '../trials/content_hash.ts'
import type { Job } from '../trials/executor.ts'
import { keptBundle, loadBundle, loadStudy } from '../trials/load.ts'
import { provenanceOf, type Provenance } from '../trials/provenance.ts'
import { failureOf, parseReport } from '../trials/report.ts'
import { prepare } from '../trials/session.ts'
import { dataFor } from '../trials/sendable.ts'
import { sourcesFor } from '../trials/sources.ts'
import { EXIT } from './exit_codes.ts'
import { count } from './format.ts'
import { openExecutor } from './executors.ts'
import { readLaunch } from './launch.ts'
import { surroundingsSince } from './lineage.ts'
import { jsonOption, known, natural, resultsOption } from './options.ts'
import { interruptible, NOTHING_KEPT } from './signals.ts'
import { holdSlots } from './slots.ts'
import { launchedStudy, type Surroundings } from './start.ts'
import { findStudy, findTrial } from './stored.ts'

interface Options {
  readonly results: string
  readonly study?: string
  readonly json?: boolean
}

/** `tune rerun`: runs a trial again outside its study, and says whether every report is the same, bit for bit. */
export function rerunCommand(around: Surroundings): Command {
  return new Command('rerun')
    .description('run a trial again, just as it was: are its reports the same, bit for bit?')
    .argument('<trial>', 'its number', natural)
    .addOption(resultsOption())
    .option('--study <name>', 'which study; default: the one changed last')
    .addOption(jsonOption())
    .action(async (number: number, options: Options) => {
      const store = openSqliteStore(options.results)
      const stored = findStudy(store, options.study)
      await rerun(store, stored, findTrial(stored, number), options, around)
    })
}

async function rerun(
  store: Store,
  stored: StoredStudy,
  trial: Trial,
  { results, json }: Options,
  { print, printError, exitWith }: Surroundings,
): Promise<void> {
  const { name } = stored.record
  checkRepeatable(stored, trial)
  const say = (message: string) => (json ? undefined : printError(`${message}\n`))
  const provenance = provenanceOf(stored, trial)
  const { study, url } = await studyThen(stored, provenance, results)
  // Its code is run as it was, whatever became of its file.
  const changes = provenance ? surroundingsSince(provenance) : []
  for (const change of changes) say(`note: ${change}`)

  const held = await holdSlots([{ index: 0, device: trial.device }], name, study.executor, say)
  const slot = held.slots[0]!
  const executor = openExecutor(study.executor, held.slots, { results })
  const { signal, exitCode, done } = interruptible((text) => printError(`${text}\n`), NOTHING_KEPT)
  try {
    const onEvent = (event: StudyEvent) => void (event.kind === 'preparing' && say(event.message))
    const sources = sourcesFor(name, store, results)
    const data = await prepare({ study, results, clock: systemClock, onEvent }, sources)
    const isOtherData = provenance !== undefined && contentHash(data, resolve(results)) !== provenance.data
    if (isOtherData) say('note: the data is not what it was')
    const job: Job = {
      studyUrl: url,
      number: trial.number,
      params: { ...trial.params, ...trial.derived },
      seed: trial.seed,
      device: slot.device,
      maxSteps: stored.record.steps ?? Infinity,
      dir: emptyDir(join(studyDir(results, name), 'rerun', String(trial.number).padStart(4, '0'))),
      reported: 0,
      ...(trial.from !== undefined && { from: trialDir(results, name, trial.from) }),
      settings: study.settings,
      data: dataFor(executor, data, sources),
    }
    const end = await compare(study, trial, executor.run(job, slot, signal), say)
    signal.throwIfAborted()
    const reasons = [...changes, ...(isOtherData ? ['the data is not what it was'] : [])]
    print(json ? `${JSON.stringify(rerunJson(name, trial, end, reasons), null, 2)}\n` : `${rerunText(name, trial, end, reasons)}\n`) // prettier-ignore
    if (end) exitWith(EXIT.check)
  } catch (error) {
    if (!signal.aborted) throw error
    exitWith(exitCode())
  } finally {
    done()
    await executor.close()
    held.close()
    store.close()
  }
}

function checkRepeatable({ record }: StoredStudy, trial: Trial): void {
  if (hasEnded(trial) && trial.reports.length > 0) return
  const what = hasEnded(trial) ? 'has made no report' : `is ${trial.outcome.state}`
  throw new TuneError('usage', `trial ${trial.number} of '${record.name}' ${what}: there is nothing to compare with`, {
    hint: `tune list --study ${record.name} shows which trials have ended`,
  })
}

/** The study as it was when the trial ran: from its file, or the bundle that was run. */
async function studyThen(
  { record }: StoredStudy,
  provenance: Provenance | undefined,
  results: string,
): Promise<{ readonly study: Study; readonly url: string }> {
  const launch = readLaunch(results, record.name)
  const code = provenance?.code ?? record.codeHash
  const bundle = provenance && keptBundle(results, provenance.bundle)
  const { url, study, codeHash } = bundle
    ? { ...(await loadBundle(bundle, launch.file)), codeHash: code }
    : await loadStudy(launch.file, results)
  if (codeHash !== code) {
    throw new TuneError(
      'study/changed',
      `${launch.file} was edited since the trial ran, and what was run then is gone`,
      {
        hint: 'put it back as it was',
      },
    )
  }
  const { settings } = provenance ?? record
  const set = Object.fromEntries(Object.entries(settings).map(([key, value]) => [key, String(value)]))
  return { url, study: launchedStudy(study, { ...launch, set, name: record.name, seed: record.seed, ...known({ steps: record.steps ?? undefined }) }) } // prettier-ignore
}

/** The first thing that is not as it was: of a metric, both values; undefined where every report is the same. */
type Difference =
  | {
      readonly step: number
      readonly metric: string
      readonly was: number | undefined
      readonly is: number | undefined
    }
  | { readonly step: number; readonly failed: string }

async function compare(
  study: Study,
  { reports }: Trial,
  rerun: AsyncIterable<unknown>,
  say: (message: string) => void,
): Promise<Difference | undefined> {
  let step = 0
  try {
    for await (const yielded of rerun) {
      const read = parseReport(yielded, study.goals, ++step)
      if ('failed' in read) return { step, failed: read.failed.message }
      const difference = differenceOf(step, reports[step - 1]!.metrics, read.metrics)
      if (difference) return difference
      say(`report ${step} of ${reports.length} is the same`)
      if (step === reports.length) return undefined
    }
  } catch (error) {
    return { step: step + 1, failed: failureOf(error).message }
  }
  return { step: step + 1, failed: 'its objective ended earlier' }
}

function differenceOf(step: number, was: Metrics, is: Metrics): Difference | undefined {
  const names = new Set([...Object.keys(was), ...Object.keys(is)])
  const metric = [...names].find((name) => !Object.is(was[name], is[name]))
  return metric === undefined ? undefined : { step, metric, was: was[metric], is: is[metric] }
}

function rerunText(study: string, trial: Trial, end: Difference | undefined, reasons: readonly string[]): string {
  const of = `trial ${trial.number} of ${study}`
  if (!end) return `${of} is the same again: ${count(trial.reports.length, 'report')}, bit for bit`
  const what = 'failed' in end ? end.failed : `${end.metric} was ${end.was}, is ${end.is}`
  const why = reasons.length > 0 ? reasons.join('; ') : 'code, data, versions and machine are the same: its objective takes chance or time from elsewhere than trial.seed' // prettier-ignore
  return `${of} is not the same again, from report ${end.step} on: ${what}\n  ${why}`
}

function rerunJson(
  study: string,
  { number, reports }: Trial,
  end: Difference | undefined,
  changes: readonly string[],
): Json {
  const difference = end ? ({ ...end, was: 'was' in end ? (end.was ?? null) : null, is: 'is' in end ? (end.is ?? null) : null }) : null // prettier-ignore
  return { study, trial: number, reports: reports.length, isSame: end === undefined, difference, changes }
}
