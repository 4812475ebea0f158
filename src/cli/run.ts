import { Command, Option } from 'commander'
import { systemClock } from '../clock.ts'
import { TuneError } from '../errors.ts'
import { tpe } from '../search/tpe.ts'
import { openSqliteStore } from '../store/sqlite.ts'
import { withOverrides } from '../study.ts'
import { runStudy, type StudyEnd } from '../trials/driver.ts'
import { inlineExecutor } from '../trials/inline.ts'
import { loadStudy } from '../trials/load.ts'
import { threadsExecutor } from '../trials/threads.ts'
import { best } from '../trial.ts'
import { eventJson } from './events_json.ts'
import { bestConfig } from './export.ts'
import { finishText, writeBest, type FinishedRun } from './finish.ts'
import { readLaunch, writeLaunch, type Launch } from './launch.ts'
import { jsonOption, keyValue, natural, positive, resultsOption, slotsOf } from './options.ts'
import { baselineWarnings, planJson, planText } from './plan.ts'
import { lineReporter, liveReporter, type Reporter } from './progress.ts'
import { interruptible } from './signals.ts'
import { findStudy } from './stored.ts'
import type { Terminal } from './terminal.ts'

interface Options {
  readonly study?: string
  readonly results: string
  readonly name?: string
  readonly trials?: number
  readonly steps?: number
  readonly seed?: number
  readonly slots?: number
  readonly executor?: 'inline' | 'threads'
  readonly device: string
  readonly set?: Readonly<Record<string, string>>
  readonly acceptCodeChange?: boolean
  readonly dryRun?: boolean
  readonly json?: boolean
  readonly quiet?: boolean
}

/** Where a run prints, and how it says its exit code. */
export interface Surroundings {
  readonly print: (text: string) => void
  /** For messages, while `--json` has stdout to itself. */
  readonly printError: (text: string) => void
  readonly terminal: Terminal
  readonly exitWith: (code: number) => void
}

/** `tune run FILE`, which is `tune --study FILE`, and `tune resume STUDY`. */
export function runCommands(around: Surroundings): readonly Command[] {
  const run = withRunOptions(new Command('run'))
    .description('start a study, or continue it')
    .argument('[file]', 'the study file')
    .option('--study <file>', 'the study file')
    .option('--name <name>', 'keep it under another name: another study')
    .option('--seed <n>', 'another seed: another study', natural)
    .option('--set <key=value>', 'override one of its settings; may be given many times', keyValue)
    .action(async (file: string | undefined, options: Options) => {
      const chosen = file ?? options.study
      if (chosen === undefined)
        throw new TuneError('usage', 'tune run needs a study file', { hint: 'tune --study studies/loss_weights.ts' })
      const { name, seed, trials, steps, set = {} } = options
      await start({ file: chosen, set, ...known({ name, seed, trials, steps }) }, options, around)
    })
  const resume = withRunOptions(new Command('resume'))
    .description('continue a study that was started before, by its name')
    .argument('<study>', 'its name')
    .action(async (name: string, options: Options) => {
      const store = openSqliteStore(options.results)
      const { record } = findStudy(store, name)
      const launch = readLaunch(options.results, record.name)
      const { trials, steps } = options
      await start({ ...launch, name: record.name, ...known({ trials, steps }) }, options, around)
    })
  return [run, resume]
}

function withRunOptions(command: Command): Command {
  return command
    .option('--trials <n>', 'trials to end', positive)
    .option('--steps <n>', 'reports of a trial', positive)
    .option('--slots <n>', 'trials at once; default: a core each', positive)
    .addOption(
      new Option('--executor <kind>', 'where trials run; default: what the study says, or threads').choices([
        'inline',
        'threads',
      ]),
    )
    .option('--device <list>', 'cpu, cuda:0 or cuda:0,1', 'cpu')
    .addOption(resultsOption())
    .option('--accept-code-change', 'continue although the code of the study was edited')
    .option('--dry-run', 'say what would be done')
    .addOption(jsonOption())
    .option('--quiet', 'print the summary only')
}

async function start(launch: Launch, options: Options, around: Surroundings): Promise<void> {
  const { results } = options
  const loaded = await loadStudy(launch.file, results)
  const { trials, steps, name, seed } = launch
  const study = withOverrides(loaded.study, {
    settings: launch.set,
    budget: known({ trials, steps }),
    ...known({ name, seed }),
  })
  const slots = slotsOf(options.device, options.slots)
  if (options.dryRun) {
    around.print(options.json ? `${JSON.stringify(planJson(study, slots))}\n` : planText(study, slots, around.terminal))
    return
  }

  const store = openSqliteStore(results)
  const executor = (options.executor ?? study.executor) === 'inline' ? inlineExecutor(slots) : threadsExecutor(slots)
  const reporter = reporterFor(options, around)
  const startedAt = Date.now()
  const signal = interruptible(around.printError)
  try {
    writeLaunch(results, study.name, launch)
    for (const message of baselineWarnings(study)) reporter.tell({ kind: 'warning', message, at: Date.now() })
    const end = await runStudy({
      study,
      url: loaded.url,
      codeHash: loaded.codeHash,
      acceptCodeChange: options.acceptCodeChange ?? false,
      store,
      executor,
      sampler: tpe(),
      results,
      clock: systemClock,
      signal: signal.signal,
      onEvent: (event) => reporter.tell(event),
    })
    reporter.close()
    const stored = findStudy(store, study.name)
    const finished: FinishedRun = {
      study,
      stored,
      file: launch.file,
      results,
      seconds: (Date.now() - startedAt) / 1000,
    }
    writeBest(finished)
    around.print(
      options.json
        ? `${JSON.stringify({ kind: 'summary', best: bestConfig(stored) ?? null })}\n`
        : `\n${finishText(finished, around.terminal)}`,
    )
    around.exitWith(exitCode(end))
  } finally {
    reporter.close()
    signal.done()
    await executor.close()
    store.close()
  }
}

/** 0 finished, 1 no trial completed, 130 interrupted. */
function exitCode({ why, history }: StudyEnd): number {
  if (why === 'interrupted') return 130
  return best(history) ? 0 : 1
}

function reporterFor({ json, quiet }: Options, { print, printError, terminal }: Surroundings): Reporter {
  if (json) return { tell: (event) => print(`${JSON.stringify(eventJson(event))}\n`), close: () => undefined }
  if (quiet)
    return lineReporter((line) => (line.startsWith('warning') ? printError(line) : undefined), {
      ...terminal,
      paint: (_, text) => text,
    })
  return terminal.isLive ? liveReporter(print, terminal) : lineReporter(print, terminal)
}

/** The fields that are given: an optional one may be absent, not undefined. */
function known<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never
}
