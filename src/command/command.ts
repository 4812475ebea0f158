import type { EvalSet } from '../eval/eval_set.ts'
import { TuneError } from '../errors.ts'
import { appendLog } from '../log_file.ts'
import { checkpointDir, logFile, removeDir } from '../results.ts'
import type { Params } from '../space.ts'
import type { Objective, TrialContext } from '../study.ts'
import type { Metrics } from '../trial.ts'
import { endingText, isOutOfMemory, lastWords, nameOf } from './ending.ts'
import { leaseFile, waitUntilFree } from './lease.ts'
import { lineCutter, type Piece } from './lines.ts'
import { scoreWritten } from './predictions.ts'
import { startProgram, type Ending, type Program } from './program.ts'
import { metricsIn, PREDICTIONS, reportIn, reportNames, type Fields } from './report_line.ts'
import { environmentOf, writeParams } from './surroundings.ts'

export interface CommandOptions<X, D> {
  /**
   * The ground truth, to score predictions that the program writes: a report `{"predictions": "val.json"}` names a path in
   * its trial's directory, and gets `pq`, `sq`, `rq`, `pq_things`, `pq_stuff` and `pq_se`. Default: nothing is scored.
   */
  readonly truth?: (trial: TrialContext<X, D>) => EvalSet
}

/**
 * An objective that runs a program, in any language, one process a trial. `argv` gives the program and its arguments as
 * they are: no shell reads them.
 *
 *     objective: command(({ lr }, trial) => ['python3', 'train.py', '--lr', lr, '--out', trial.dir])
 *
 * - Each line of its stdout that is a JSON object with a metric of the goal is a report; its other numbers are metrics, too.
 *   All else that it prints goes to the trial's log.
 * - The params are also in `params.json` and `params.yaml` in the trial's directory, and in its environment as
 *   `PANOPTUNE_PARAM_LR`; beside them PANOPTUNE_TRIAL, PANOPTUNE_SEED, PANOPTUNE_DIR (the trial's directory),
 *   PANOPTUNE_DEVICE (`cpu` or `cuda:0`; it sees no other GPU), PANOPTUNE_STEPS (reports that are wanted),
 *   PANOPTUNE_REPORTED (those not to be made again, see `trial.reported`) and PANOPTUNE_FROM (see `trial.from`).
 * - To stop it, it and all that it started get SIGTERM, and SIGKILL 8 seconds later. The same happens where the process
 *   of tune dies. After the last report that is wanted it may end by itself for 2 seconds.
 * - An exit code other than 0, or a signal, fails the trial, with the last line of its stderr for a reason.
 */
export function command<P, X, D>(
  argv: (params: P, trial: TrialContext<X, D>) => readonly (string | number)[],
  { truth }: CommandOptions<X, D> = {},
): Objective<P, Metrics, X, D> {
  const objective = (params: P, trial: TrialContext<X, D>) => {
    const words = parseArgv(argv(params, trial))
    return runCommand({ argv: words, params: params as Params, trial, ...(truth && { truth: truth(trial) }) })
  }
  return Object.assign(objective, { executor: 'inline' } as const)
}

/** One run of a program. */
export interface CommandRun {
  readonly argv: readonly [string, ...string[]]
  readonly params: Params
  readonly trial: TrialContext<unknown>
  readonly truth?: EvalSet
  /** Milliseconds from asking it to end to ending it by force. Default: 8 s, less than an executor waits for an objective. */
  readonly graceMs?: number
}

/** How long a program may go on after the last report that is wanted: most end by themselves then. */
const LAST_MS = 2000

/** The reports of one run. When it ends, or its reader stops, nothing of the program is left. */
export async function* runCommand(run: CommandRun): AsyncGenerator<Metrics, void, void> {
  const { argv, params, trial, graceMs = 8000 } = run
  const { signal, dir } = trial
  await waitForEarlier(trial, graceMs)
  if (signal.aborted) return
  writeParams(dir, params)
  const log = openWords(dir)
  const env = environmentOf(params, trial, process.env)
  const program = await startProgram(argv, { env, lease: leaseFile(dir), graceMs, onStderr: log.stderr })
  const end = () => void program.end()
  signal.addEventListener('abort', end)
  if (signal.aborted) end()
  let steps = trial.reported
  try {
    for await (const fields of reportsOf(program, run, log.stdout)) {
      const metrics = await metricsOf(fields, run)
      steps++
      yield metrics
    }
    checkEnding(await program.ended, run, steps, log)
  } finally {
    signal.removeEventListener('abort', end)
    await program.end(steps >= trial.maxSteps && !signal.aborted ? LAST_MS : 0)
  }
}

/** A program of an earlier attempt that was left alone is ending: two are never in one directory. */
async function waitForEarlier({ dir, number, reported, signal }: CommandRun['trial'], graceMs: number): Promise<void> {
  const { isFree, hasWaited } = await waitUntilFree(leaseFile(dir), graceMs + 2000, signal)
  if (signal.aborted) return
  if (!isFree) throw failure(`what trial ${number} ran before still runs, and does not end: ${leaseFile(dir)} is held`)
  // What it kept when it was told to end belongs to a run that nobody knows.
  if (hasWaited && reported === 0) removeDir(checkpointDir(dir))
}

type Words = ReturnType<typeof openWords>

/** Writes what a program prints to its trial's log, and remembers the last of it. */
function openWords(dir: string) {
  const [errors, output] = [lastWords(), lastWords()]
  let unwritable: unknown
  const to = (words: typeof errors) => (bytes: Buffer) => {
    words.add(bytes)
    try {
      appendLog(logFile(dir), bytes)
    } catch (error) {
      unwritable = error // nobody waits here; the trial's end tells
    }
  }
  return {
    stderr: to(errors),
    stdout: to(output),
    lastLine: () => errors.line() || output.line(),
    errors: errors.text,
    unwritable: () => unwritable,
  }
}

/** The lines that are reports, one by one; the rest is logged, as much at a time as was printed at once. */
async function* reportsOf({ stdout }: Program, { trial, truth }: CommandRun, log: (bytes: Buffer) => void) {
  const names = reportNames(trial.goals, truth !== undefined)
  const lines = lineCutter(names)
  let rest: Buffer[] = []
  const logRest = () => {
    if (rest.length > 0) log(Buffer.concat(rest))
    rest = []
  }
  function* read(pieces: Iterable<Piece>): Generator<Fields> {
    for (const piece of pieces) {
      const fields = reportIn(piece, names)
      if (fields) yield fields
      else rest.push(piece.bytes)
    }
    logRest()
  }
  try {
    for await (const chunk of stdout) yield* read(lines.add(chunk))
    yield* read(lines.end())
  } finally {
    logRest()
  }
}

/** What a report says, with the scores of the predictions that it names. Whoever reads it checks it. */
async function metricsOf(fields: Fields, { trial, truth }: CommandRun): Promise<Metrics> {
  const metrics = metricsIn(fields, trial.goals) as Metrics
  if (!truth || !(PREDICTIONS in fields)) return metrics
  return { ...metrics, ...(await scoreWritten(trial.dir, fields[PREDICTIONS], truth, trial.signal)) }
}

/** Throws what a program did wrong, unless all that is wanted of it had come. */
function checkEnding(ending: Ending, { argv, trial, truth }: CommandRun, steps: number, log: Words): void {
  const name = nameOf(argv)
  if (log.unwritable() !== undefined) throw log.unwritable()
  if (ending.code !== 0) {
    const isMemory = isOutOfMemory(ending, log.errors())
    throw failure(endingText(name, ending, log.lastLine()), isMemory ? 'OutOfMemoryError' : 'Error')
  }
  if (steps > 0) return
  const fields = reportNames(trial.goals, truth !== undefined).map((field) => `'${field}'`)
  throw failure(
    `${name} ended without a report, a line on its stdout such as {${fields.join(' or ')}: ...}`,
    'NoReportError',
  )
}

function parseArgv(argv: readonly unknown[]): readonly [string, ...string[]] {
  const wrong = argv.find((word) => typeof word !== 'string' && typeof word !== 'number')
  const [program, ...args] = argv.map(String)
  if (program !== undefined && program !== '' && wrong === undefined) return [program, ...args]
  const what = wrong === undefined ? 'no program' : `${JSON.stringify(wrong)}, neither text nor a number`
  throw new TuneError('study/invalid', `command: its words have ${what}`, {
    hint: "give a program and its arguments: command(({ lr }) => ['python3', 'train.py', '--lr', lr])",
  })
}

/** It is the program's failure: a stack of ours would say nothing of it. */
function failure(message: string, name = 'Error'): Error {
  return Object.assign(new Error(message), { name, stack: message })
}
