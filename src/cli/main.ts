import { Command, CommanderError } from 'commander'
import { dataCommand } from './data.ts'
import { evalCommand } from './eval.ts'
import { inspectCommands } from './inspect.ts'
import { recheckCommand } from './recheck.ts'
import { runCommands } from './run.ts'
import { terminalOf } from './terminal.ts'
import { wrap } from './format.ts'
import { isTuneError, messageOf, type TuneError } from '../errors.ts'
import { version } from '../version.ts'

/**
 * Runs the command line and gives its exit code: 0 finished, 1 no trial completed, 2 wrong use or study file, 70 our
 * bug, 130 interrupted.
 */
export async function main(words: readonly string[]): Promise<number> {
  const print = (text: string) => void process.stdout.write(text)
  const printError = (text: string) => void process.stderr.write(text)
  const terminal = terminalOf(process.stdout, process.env)
  let status = 0
  const program = new Command('tune')
    .description('Tunes and ablates panoptic segmentation: real training, real panoptic quality, nothing lost.')
    .version(version())
    .showSuggestionAfterError()
    .addHelpText('after', examples)
    .exitOverride()
  const around = { print, printError, terminal, exitWith: (code: number) => void (status = code) }
  const commands = [
    ...runCommands(around),
    ...inspectCommands(print, terminal),
    recheckCommand(around),
    evalCommand(print),
    dataCommand(print),
  ]
  for (const command of commands) program.addCommand(inherit(command))

  try {
    if (words.length === 0) print(program.helpInformation() + examples)
    else await program.parseAsync(withVerb(words), { from: 'user' })
    return status
  } catch (error) {
    return report(error)
  }
}

const examples = `
The main job, from nothing to a best configuration in a minute:
  tune --study studies/loss_weights.ts
The same command continues a study; Ctrl-C stops it, nothing is lost.
`

/** `tune --study F` is `tune run F`. */
function withVerb(words: readonly string[]): readonly string[] {
  return words[0]!.startsWith('--study') ? ['run', ...words] : words
}

/** Errors of a verb and of its verbs are thrown to here as the program's own are. */
function inherit(command: Command): Command {
  command.exitOverride().showSuggestionAfterError()
  for (const child of command.commands) inherit(child)
  return command
}

function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
  const columns = terminalOf(process.stderr, process.env).columns
  if (isTuneError(error)) {
    process.stderr.write(
      `${errorLines(error)
        .map((line) => wrap(line, columns, '  '))
        .join('\n')}\n`,
    )
    return 2
  }
  const detail = error instanceof Error ? (error.stack ?? error.message) : messageOf(error)
  process.stderr.write(
    `error[bug]  this is a mistake of panoptune, not yours: please report it with the lines below\n${detail}\n`,
  )
  return 70
}

function errorLines({ code, message, hint }: TuneError): readonly string[] {
  return [`error[${code}]  ${message}`, ...(hint === undefined ? [] : [`  hint: ${hint}`])]
}
