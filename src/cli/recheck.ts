import { join } from 'node:path'
import { Command } from 'commander'
import { systemClock } from '../clock.ts'
import { TuneError } from '../errors.ts'
import { average, pairedDifference, spread } from '../eval/paired.ts'
import type { StudyEvent } from '../event.ts'
import type { Json } from '../json.ts'
import { studyDir } from '../results.ts'
import { openSqliteStore } from '../store/sqlite.ts'
import type { StoredStudy } from '../store/store.ts'
import { BASELINE, baselineOf, best, isBaselineAgain, type Metrics, type Trial } from '../trial.ts'
import { prepare } from '../trials/session.ts'
import { loadStudy } from '../trials/load.ts'
import { repeat } from '../trials/repeat.ts'
import { dataFor } from '../trials/sendable.ts'
import { sourcesFor } from '../trials/sources.ts'
import { finite } from './events_json.ts'
import { openExecutor } from './executors.ts'
import { count, metricNames, number, signed, table } from './format.ts'
import { readLaunch } from './launch.ts'
import { jsonOption, known, positive, resultsOption } from './options.ts'
import { launchedStudy, type Surroundings } from './start.ts'
import { interruptible, NOTHING_KEPT } from './signals.ts'
import { holdSlots, slotsOf } from './slots.ts'
import { findStudy } from './stored.ts'
import type { Terminal } from './terminal.ts'

interface Options {
  readonly results: string
  readonly study?: string
  readonly seeds: number
  readonly slots?: number
  readonly device: string
  readonly json?: boolean
}

/** `tune recheck`: is the best really better than the baseline, or was its seed lucky? */
export function recheckCommand(around: Surroundings): Command {
  return new Command('recheck')
    .description('run the best and the baseline again with new seeds: is the gain real?')
    .addOption(resultsOption())
    .option('--study <name>', 'which study; default: the one changed last')
    .option('--seeds <n>', 'new seeds', positive, 3)
    .option('--slots <n>', 'runs at once; default: a core each', positive)
    .option('--device <list>', 'cpu, cuda:0, cuda:0,1, webgpu or tfjs', 'cpu')
    .addOption(jsonOption())
    .action((options: Options) => recheck(options, around))
}

async function recheck(options: Options, { print, printError, terminal, exitWith }: Surroundings): Promise<void> {
  const { results, seeds } = options
  const store = openSqliteStore(results)
  const stored = findStudy(store, options.study)
  const { name } = stored.record
  const [winner, baseline] = contestants(stored)
  if (isBaselineAgain(winner, baseline)) {
    const nothing = `the best of '${name}' is its baseline: there is nothing to compare`
    print(options.json ? `${JSON.stringify(recheckJson(stored, BASELINE, [], []))}\n` : `${nothing}\n`)
    return
  }
  const launch = readLaunch(results, name)
  const { study: defined, url, codeHash } = await loadStudy(launch.file, results)
  if (codeHash !== stored.record.codeHash) {
    throw new TuneError(
      'study/changed',
      `${launch.file} was edited since ${name} was run: a new run would not repeat it`,
      { hint: 'put it back as it was' },
    )
  }
  // As long as the trials were: a later launch may have asked for something else and been refused.
  const { steps = launch.steps } = stored.record
  const study = launchedStudy(defined, { ...launch, name, ...known({ steps: steps ?? undefined }) })
  const say = (message: string) => (options.json ? undefined : printError(`${message}\n`))
  const kind = launch.executor ?? study.executor
  const held = await holdSlots(slotsOf(options.device, options.slots, say), name, kind, say)
  const executor = openExecutor(kind, held.slots, { results })
  const { signal, exitCode, done } = interruptible((text) => printError(`${text}\n`), NOTHING_KEPT)
  try {
    const onEvent = (event: StudyEvent) => void (event.kind === 'preparing' && say(event.message))
    const sources = sourcesFor(name, store, results)
    const data = dataFor(executor, await prepare({ study, results, clock: systemClock, onEvent }, sources), sources)
    const runs = await repeat({
      study,
      url,
      data,
      executor,
      configs: [winner.params, baseline.params],
      seeds,
      dirOf: (config, seed) =>
        join(studyDir(results, name), 'recheck', `${config === 0 ? 'best' : 'baseline'}-${seed}`),
      signal,
      onEnd: (config, seed, metrics) =>
        say(`${config === 0 ? 'best' : 'baseline'}, seed ${seed + 1} of ${seeds}: ${goalText(stored, metrics)}`),
    })
    const [ofBest, ofBaseline] = [runs[0]!, runs[1]!]
    print(
      options.json
        ? `${JSON.stringify(recheckJson(stored, winner.number, ofBest, ofBaseline))}\n`
        : `${recheckText(stored, winner.number, ofBest, ofBaseline, terminal)}\n`,
    )
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

function contestants({ record, history }: StoredStudy): readonly [Trial, Trial] {
  const winner = best(history)
  const baseline = baselineOf(history)
  if (!winner || !baseline) {
    throw new TuneError('usage', `study '${record.name}' has no completed trial to check`, {
      hint: 'see how it stands: tune status',
    })
  }
  if (winner.from !== undefined) {
    throw new TuneError('usage', `the best of '${record.name}' went on from trial ${winner.from}: a run of its own params would not repeat it`, { hint: `see the schedule that led to it: tune show ${winner.number}` }) // prettier-ignore
  }
  return [winner, baseline]
}

function recheckText(
  stored: StoredStudy,
  trial: number,
  ofBest: readonly Metrics[],
  ofBaseline: readonly Metrics[],
  terminal: Terminal,
): string {
  const rows = metricsOf(ofBest, ofBaseline).map((metric) => {
    const [a, b] = [valuesOf(ofBest, metric), valuesOf(ofBaseline, metric)]
    const { mean, low, high } = pairedDifference(a, b)
    return [
      metric,
      meanText(a, terminal),
      meanText(b, terminal),
      signed(mean),
      Number.isFinite(low) ? `${signed(low)} to ${signed(high)}` : '-',
    ]
  })
  const goal = stored.record.goals[0]!
  // Images that chose the winner flatter it: those that decided nothing judge, where a study reports them.
  const heldOut = metricsOf(ofBest, ofBaseline).find((metric) => metric === `held_out_${goal.metric}`)
  const judge = heldOut ?? goal.metric
  const { low, high } = pairedDifference(valuesOf(ofBest, judge), valuesOf(ofBaseline, judge))
  const isShown = goal.direction === 'maximize' ? low > 0 : high < 0
  const verdict = isShown
    ? `the gain in ${judge} is more than the noise of seeds${heldOut ? '' : ', on what chose it'}: its interval leaves out 0`
    : `no gain in ${judge} is shown by ${count(ofBest.length, 'seed')}: try more (--seeds)`
  return `trial ${trial} of ${stored.record.name} against the baseline, ${count(ofBest.length, 'new seed')} each\n${table(['metric', 'best', 'baseline', 'gain', '95 %'], rows)}\n${verdict}`
}

function recheckJson(
  { record }: StoredStudy,
  trial: number,
  ofBest: readonly Metrics[],
  ofBaseline: readonly Metrics[],
): Json {
  const gains = metricsOf(ofBest, ofBaseline).map((metric) => {
    const { mean, low, high } = pairedDifference(valuesOf(ofBest, metric), valuesOf(ofBaseline, metric))
    return [metric, finite({ mean, low, high })]
  })
  return {
    study: record.name,
    trial,
    best: ofBest.map(finite),
    baseline: ofBaseline.map(finite),
    gain: Object.fromEntries(gains),
  }
}

/** The metrics that every run gave. */
function metricsOf(...runs: readonly (readonly Metrics[])[]): readonly string[] {
  const all = runs.flat()
  return metricNames(all).filter((name) => all.every((metrics) => name in metrics))
}

function valuesOf(runs: readonly Metrics[], metric: string): readonly number[] {
  return runs.map((metrics) => metrics[metric] ?? Number.NaN)
}

function meanText(values: readonly number[], { unicode }: Terminal): string {
  const mean = number(average(values))
  return values.length < 2 ? mean : `${mean} ${unicode ? '±' : '+-'} ${number(spread(values))}`
}

function goalText({ record }: StoredStudy, metrics: Metrics): string {
  return record.goals.map(({ metric }) => `${metric} ${number(metrics[metric] ?? Number.NaN)}`).join(', ')
}
