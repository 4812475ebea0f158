import { Command, CommanderError } from 'commander'
import { isTuneError, messageOf, TuneError } from '../errors.ts'
import { version } from '../version.ts'
import { cacheCommand } from './cache.ts'
import { compareCommand } from './compare.ts'
import { dataCommand } from './data.ts'
import { devicesCommand } from './devices.ts'
import { doctorCommand } from './doctor.ts'
import { enqueueCommand } from './enqueue.ts'
import { evalCommand } from './eval.ts'
import { EXIT, EXIT_OF } from './exit_codes.ts'
import { explainCommand } from './explain.ts'
import { wrap } from './format.ts'
import { importCommand } from './import.ts'
import { importanceCommand } from './importance.ts'
import { inspectCommands } from './inspect.ts'
import { lineageCommand } from './lineage.ts'
import { probeCommand } from './probe.ts'
import { recheckCommand } from './recheck.ts'
import { rerunCommand } from './rerun.ts'
import { runCommands } from './run.ts'
import { claimStdout, terminalOf } from './terminal.ts'
import { welcome } from './welcome.ts'

/** How the command line ended. */
export interface Ended {
  /** See `EXIT`. */
  readonly code: number
  /** Whether a thread hangs in native code: an ordinary exit would wait for it. */
  readonly isStuck: boolean
}

/** Runs the command line. */
export async function main(words: readonly string[]): Promise<Ended> {
  const { print, printError } = claimStdout()
  const terminal = terminalOf(process.stdout, process.env)
  let [code, isStuck]: [number, boolean] = [EXIT.finished, false]
  const exitWith = (status: number) => void (code = status)
  const around = { print, printError, terminal, exitWith, isStuck: () => void (isStuck = true) }
  const program = new Command('tune')
    .description('Tunes and ablates panoptic segmentation: real training, real panoptic quality, nothing lost.')
    .version(version())
    .addHelpText('after', EXAMPLES)
    .showSuggestionAfterError()
    .exitOverride()
    .configureHelp({ minWidthToWrap: 20 })
    .configureOutput({
      writeOut: print,
      writeErr: printError,
      outputError: (text, write) => write(usageText(text)),
      getOutHelpWidth: () => terminal.columns,
    })
  const commands = [
    ...runCommands(around),
    enqueueCommand(print),
    ...inspectCommands(print, terminal),
    explainCommand(print, terminal),
    importanceCommand(print, terminal),
    lineageCommand(print, terminal),
    rerunCommand(around),
    recheckCommand(around),
    compareCommand(print),
    evalCommand(print, printError),
    dataCommand(print),
    cacheCommand(print),
    devicesCommand(print, terminal),
    probeCommand(around),
    doctorCommand(around),
    importCommand(print),
  ]
  for (const command of commands) program.addCommand(inherit(command, program))

  try {
    if (words.length === 0) print(welcome())
    else await program.parseAsync(withVerb(words), { from: 'user' })
    return { code, isStuck }
  } catch (error) {
    return { code: report(error, printError), isStuck }
  }
}

const EXAMPLES = `
The main job, to a best configuration in a minute:
  tune --study studies/loss_weights.ts
The same command continues it; Ctrl-C loses nothing.
`

const VERBS: readonly string[] = ['run', 'resume', 'enqueue', 'status', 'list', 'show', 'best', 'export', 'explain', 'importance', 'lineage', 'rerun', 'recheck', 'compare', 'eval', 'data', 'cache', 'devices', 'probe', 'doctor', 'import'] // prettier-ignore

/** `tune --study F` is `tune run --study F`, and `tune F` is `tune run F`. */
function withVerb(words: readonly string[]): readonly string[] {
  const [first = ''] = words
  const verb = first.startsWith('-') && !words.some((word) => word.startsWith('--study') || /\.[cm]?[jt]s$/.test(word)) ? words.find((word, i) => VERBS.includes(word) && !['--results', '--name'].includes(words[i - 1] ?? '')) : undefined // prettier-ignore
  if (verb !== undefined) {
    throw new TuneError('usage', `the verb '${verb}' stands behind options`, {
      hint: `write it first: tune ${verb} ...`,
    })
  }
  const isOwn = ['-h', '--help', '-V', '--version'].includes(first)
  const isRun = (first.startsWith('-') && !isOwn) || /\.[cm]?[jt]s$/.test(first)
  return isRun ? ['run', ...words] : words
}

/** A verb, and the verbs below it, print and fail as the program does. */
function inherit(command: Command, parent: Command): Command {
  command.copyInheritedSettings(parent)
  for (const child of command.commands) inherit(child, command)
  return command
}

/** Commander's message about wrong words, in our form. */
function usageText(text: string): string {
  const [message = '', suggestion = ''] = text.trimEnd().split('\n')
  const meant = suggestion.replace(/^\(Did you mean (.*)\)$/, 'did you mean $1')
  const hint = meant || (message.includes('unknown command') ? 'tune --help lists them all' : '')
  return `${message.replace(/^error: /, 'error[usage]  ')}\n${hint && `  hint: ${hint}\n`}`
}

function report(error: unknown, printError: (text: string) => void): number {
  // Commander has said what is wrong already.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.finished : EXIT.usage
  if (isTuneError(error)) {
    const lines = errorLines(error).map((line) => wrap(line, columnsOf(process.stderr), '  '))
    printError(`${lines.join('\n')}\n`)
    return EXIT_OF[error.code]
  }
  const detail = error instanceof Error ? (error.stack ?? error.message) : messageOf(error)
  printError(
    `error[bug]  this is a mistake of panoptune, not yours: please report it with the lines below\n${detail}\n`,
  )
  return EXIT.bug
}

/** Messages are wrapped on a screen only: in a log, one that is whole is found more easily. */
function columnsOf(stream: NodeJS.WriteStream): number {
  return stream.isTTY ? terminalOf(stream, process.env).columns : Infinity
}

function errorLines({ code, message, hint }: TuneError): readonly string[] {
  return [`error[${code}]  ${message}`, ...(hint === undefined ? [] : [`  hint: ${hint}`])]
}
