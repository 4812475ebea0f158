import { spawn, type ChildProcess } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { studiesFile } from '../../src/results.ts'
import { openSqliteStore } from './built.ts'

/** Polls all studies of a directory, as a dashboard does: a line of output each time. */
export async function readUntilKilled(dir: string): Promise<never> {
  const store = openSqliteStore(dir)
  for (;;) {
    const trials = store.list().reduce((sum, { history }) => sum + history.trials.length, 0)
    process.stdout.write(`${trials}\n`)
    await sleep(250)
  }
}

/** A reader in a process of its own, by this bench itself. */
export function startReader(dir: string): ChildProcess {
  return spawn(process.execPath, [process.argv[1]!, 'read', dir], { stdio: ['ignore', 'pipe', 'pipe'] })
}

/** Optuna reading the study again and again; it prints a line each time, or fails at once where Python lacks it. */
export function startOptuna(dir: string, study: string): ChildProcess {
  const script = `
import sys, time, optuna
optuna.logging.set_verbosity(optuna.logging.ERROR)
while True:
    study = optuna.load_study(study_name=${JSON.stringify(study)}, storage=${JSON.stringify(`sqlite:///${studiesFile(dir)}`)})
    print(len(study.trials), flush=True)
    time.sleep(0.25)
`
  const { PYTHON = '/usr/bin/python3' } = process.env
  return spawn(PYTHON, ['-c', script], { stdio: ['ignore', 'pipe', 'pipe'] })
}
