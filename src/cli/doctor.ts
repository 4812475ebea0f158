import { Command } from 'commander'
import { systemClock } from '../clock.ts'
import { examineStore, type Check } from '../store/health.ts'
import { mendStore } from '../store/mend.ts'
import { openSqliteStore } from '../store/sqlite.ts'
import {
  cacheCheck,
  devicesCheck,
  leftoversCheck,
  nodeCheck,
  packagesCheck,
  pythonCheck,
  removeLeftovers,
  spaceChecks,
} from './doctor_checks.ts'
import { EXIT } from './exit_codes.ts'
import { wrap } from './format.ts'
import { jsonOption, resultsOption } from './options.ts'
import type { Surroundings } from './start.ts'
import type { Terminal } from './terminal.ts'

interface Options {
  readonly results: string
  readonly mend?: true
  readonly json?: true
}

/** `tune doctor`: whether all is there that a study needs, a line each; what is wrong says what to do. */
export function doctorCommand({ print, terminal, exitWith }: Surroundings): Command {
  return new Command('doctor')
    .description(
      'check this machine and the results: each line is ok, or says what to do; exits with 4 where one is not',
    )
    .option('--mend', 'mend what can be mended without losing anything')
    .addOption(resultsOption())
    .addOption(jsonOption())
    .action(async ({ results, mend, json }: Options) => {
      const mended = mend ? [...mendStore(results), ...removeLeftovers(results, systemClock.now())] : []
      const checks = await examine(results)
      if (json) print(`${JSON.stringify({ mended, checks }, undefined, 2)}\n`)
      else print([...mended.map((text) => line('mended', text, terminal)), ...checks.map((check) => checkText(check, terminal)), ''].join('\n')) // prettier-ignore
      if (checks.some(({ isWrong }) => isWrong)) exitWith(EXIT.environment)
    })
}

async function examine(results: string): Promise<readonly Check[]> {
  const stored = examineStore(results)
  return [
    nodeCheck(),
    await packagesCheck(),
    await devicesCheck(),
    ...spaceChecks(results, stored.some(({ isWrong }) => isWrong) ? 0 : trialsIn(results)),
    ...stored,
    leftoversCheck(results, systemClock.now()),
    cacheCheck(results),
    await pythonCheck(),
  ]
}

function trialsIn(results: string): number {
  return openSqliteStore(results)
    .list()
    .reduce((sum, { history }) => sum + history.trials.length, 0)
}

function checkText({ what, text, isWrong, hint }: Check, terminal: Terminal): string {
  const shown = line(what, isWrong ? `${terminal.paint('red', 'WRONG')}  ${text}` : text, terminal)
  return hint === undefined ? shown : `${shown}\n${line('', `hint: ${hint}`, terminal)}`
}

const COLUMNS = 16

function line(what: string, text: string, { columns }: Terminal): string {
  return wrap(`${what.padEnd(COLUMNS)}${text}`, columns, ' '.repeat(COLUMNS))
}
