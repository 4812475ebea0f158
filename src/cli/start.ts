import { systemClock } from '../clock.ts'
import type { StudyEvent } from '../event.ts'
import { bestFile, writeAtomically } from '../results.ts'
import { auto } from '../search/auto.ts'
import { openAdviceThread } from '../ask/advice_thread.ts'
import { openSqliteStore } from '../store/sqlite.ts'
import { withOverrides, type Study } from '../study.ts'
import { runStudy, type StudyEnd } from '../trials/driver.ts'
import { loadStudy } from '../trials/load.ts'
import { parseStudy } from '../trials/parse_study.ts'
import { best, hasEnded, type Trial } from '../trial.ts'
import { eventJson } from './events_json.ts'
import { bestConfig, bestYaml } from './export.ts'
import { openExecutor } from './executors.ts'
import { EXIT } from './exit_codes.ts'
import { finishText } from './finish.ts'
import { writeLaunch, type Launch } from './launch.ts'
import { learnRoom } from './learn_room.ts'
import { known } from './options.ts'
import { baselineWarnings, planJson, planText } from './plan.ts'
import { lineReporter, liveReporter, type Reporter } from './progress.ts'
import { interruptible, TRIALS } from './signals.ts'
import { holdSlots, slotsOf } from './slots.ts'
import { findStudy } from './stored.ts'
import type { Print, Terminal } from './terminal.ts'

/** What `tune run` and `tune resume` are told. */
export interface RunOptions extends Partial<Omit<Launch, 'failures'>> {
  readonly results: string
  readonly maxFailures?: number
  /** The study file of `tune run`. */
  readonly study?: string
  readonly acceptCodeChange?: boolean
  readonly dryRun?: boolean
  readonly json?: boolean
  readonly quiet?: boolean
  readonly exclusive?: boolean
}

/** Where a verb prints, and how it says its exit code. */
export interface Surroundings {
  readonly print: Print
  /** For messages, while `--json` has stdout to itself. */
  readonly printError: (text: string) => void
  readonly terminal: Terminal
  readonly exitWith: (code: number) => void
  /** Says that a thread hangs in native code, and would hold up an ordinary exit. */
  readonly isStuck: () => void
}

/** Starts a study or continues it, from its file to the summary. */
export async function start(launch: Launch, options: RunOptions, around: Surroundings): Promise<void> {
  const { results } = options
  const { study: defined, url, codeHash } = await loadStudy(launch.file, results)
  const study = launchedStudy(defined, launch)
  const { device = 'cpu' } = launch
  if (options.dryRun) {
    const slots = slotsOf(device, launch.slots)
    around.print(options.json ? `${JSON.stringify(planJson(study, slots))}\n` : planText(study, slots, around.terminal))
    return
  }
  const sayFirst = (text: string) => around.printError(`${text}\n`)
  const kind = launch.executor ?? study.executor
  const held = await holdSlots(slotsOf(device, launch.slots, sayFirst), study.name, kind, sayFirst)
  const { slots } = held

  const store = openSqliteStore(results, { isAlone: options.exclusive ?? false, say: sayFirst })
  const earlier = store.list().find(({ record }) => record.name === study.name)?.history.trials ?? []
  const reporter = reporterFor(options, earlier, around)
  const executor = openExecutor(kind, slots, { results, study: study.name })
  const interruption = interruptible((text) => reporter.say(text), TRIALS)
  const learned = launch.slots === 'auto' && slots[0]?.device.kind === 'cuda' ? await learnRoom(slots, (text) => reporter.say(text), held.release) : undefined // prettier-ignore
  const startedAt = Date.now()
  let led = best({ ...study, trials: earlier })
  const onEvent = (event: StudyEvent) => {
    // Only now is it known that the study may be run: a refused start must not change how it is resumed.
    if (event.kind === 'study-started') writeLaunch(results, study.name, launch)
    reporter.tell(event)
    learned?.tell(event)
    // At each new best, so that a run that is killed leaves it behind.
    if (event.kind !== 'trial-ended') return
    const leader = best({ ...study, trials: [...(led ? [led] : []), event.trial] })
    if (leader && leader !== led) writeAtomically(bestFile(results, study.name), bestYaml(findStudy(store, study.name), leader)) // prettier-ignore
    led = leader
  }
  try {
    for (const message of baselineWarnings(study)) reporter.tell({ kind: 'warning', message, at: Date.now() })
    const { acceptCodeChange = false } = options
    const { drain, signal } = interruption
    const end = await runStudy({ study, url, codeHash, acceptCodeChange, store, executor, ...(learned && { room: learned.room }), sampler: auto(), openAdviceThread: () => openAdviceThread(url, study), results, clock: systemClock, drain, signal, onEvent }) // prettier-ignore
    reporter.close()
    const stored = findStudy(store, study.name)
    const ran = stored.history.trials.filter(hasEnded).length - earlier.filter(hasEnded).length
    const finished = {
      study,
      stored,
      results,
      ran,
      seconds: (Date.now() - startedAt) / 1000,
      why: end.why,
      reason: end.reason,
    }
    const winner = best(stored.history)
    if (winner) writeAtomically(bestFile(results, study.name), bestYaml(stored, winner))
    if (options.json)
      around.print(`${JSON.stringify({ kind: 'summary', best: winner ? bestConfig(stored, winner) : null })}\n`) // prettier-ignore
    else around.print(`${options.quiet ? '' : '\n'}${finishText(finished, around.terminal)}`)
    around.exitWith(exitCode(end, interruption.exitCode()))
  } finally {
    reporter.close()
    interruption.done()
    learned?.close()
    await executor.close()
    if (executor.slots.length < slots.length) around.isStuck()
    held.close()
    store.close()
  }
}

/** The study of a file as a launch changes it. */
export function launchedStudy(defined: Study, { set, name, seed, trials, steps, failures }: Launch): Study {
  const overrides = { settings: set, budget: known({ trials, steps, failures }), ...known({ name, seed }) }
  const study = withOverrides(defined, overrides)
  return name === undefined ? study : parseStudy(study, `--name ${name}`)
}

function exitCode({ why, history }: StudyEnd, interrupted: number): number {
  if (why === 'interrupted') return interrupted
  return why === 'failures' || !best(history) ? EXIT.failures : EXIT.finished
}

function reporterFor({ json, quiet }: RunOptions, earlier: readonly Trial[], around: Surroundings): Reporter {
  const { print, printError, terminal } = around
  const say = (text: string) => printError(`${text}\n`)
  const close = () => undefined
  if (json) return { tell: (event) => print(`${JSON.stringify(eventJson(event))}\n`), say, close }
  if (quiet) return { tell: (event) => (event.kind === 'warning' ? say(`warning  ${event.message}`) : undefined), say, close } // prettier-ignore
  return terminal.isLive ? liveReporter(print, terminal, earlier) : lineReporter(print, terminal, earlier)
}
