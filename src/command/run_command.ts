import type { EvalSet } from '../eval/eval_set.ts'
import { checkpointDir, removeDir } from '../results.ts'
import type { Params } from '../space.ts'
import type { TrialContext } from '../study.ts'
import type { Metrics } from '../trial.ts'
import { endingText, isOutOfMemory, nameOf } from './ending.ts'
import { leaseFile, waitUntilFree } from './lease.ts'
import { lineCutter, type Piece } from './lines.ts'
import { scoreWritten } from './predictions.ts'
import { startProgram, type Ending, type Program } from './program.ts'
import { openProgramLog, type ProgramLog } from './program_log.ts'
import { metricsIn, PREDICTIONS, reportIn, reportNames, type Fields } from './report_line.ts'
import { environmentOf, writeParams } from './surroundings.ts'

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
  const log = openProgramLog(dir)
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

/** Throws what a program that has ended did wrong. */
function checkEnding(ending: Ending, { argv, trial, truth }: CommandRun, steps: number, log: ProgramLog): void {
  const { text, line } = log.lastWords()
  const name = nameOf(argv)
  if (ending.code !== 0) {
    throw failure(endingText(name, ending, line), isOutOfMemory(ending, text) ? 'OutOfMemoryError' : 'Error')
  }
  if (steps > 0) return
  const fields = reportNames(trial.goals, truth !== undefined).map((field) => `'${field}'`)
  const expected = `a line on its stdout such as {${fields.join(' or ')}: ...}`
  throw failure(`${name} ended without a report, ${expected}`, 'NoReportError')
}

/** It is the program's failure: a stack of ours would say nothing of it. */
function failure(message: string, name = 'Error'): Error {
  return Object.assign(new Error(message), { name, stack: message })
}
