import Database from 'better-sqlite3'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import { hasOptuna, python, pythonEnv } from '../python.ts'
import { ended, jsonLines, startTune, tinyStudy, workspace } from './tune.ts'

/** Runs a script that finds Optuna's study `tiny` of a directory as `study`, and gives what it prints. */
async function withOptuna(dir: string, script: string): Promise<string> {
  const head = `
import json, sys, time, optuna
optuna.logging.set_verbosity(optuna.logging.ERROR)
study = optuna.load_study(study_name='tiny', storage='sqlite:///results/studies.sqlite')
`
  const child = spawn(python, ['-c', head + script], { cwd: dir, env: pythonEnv })
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  expect(stderr).toBe('')
  expect(code).toBe(0)
  return stdout
}

const slow = tinyStudy(`
  budget: { trials: 30, steps: 3 },
  async *objective({ lr }, { number, maxSteps }) {
    console.log('ran ' + number)
    for (let step = 1; step <= maxSteps; step++) {
      await sleep(30)
      yield { pq: step - Math.abs(Math.log10(lr) + 1) }
    }
  },
`)

const OBJECTIVE = `
def objective(trial):
    lr = trial.suggest_float('lr', 1e-4, 1, log=True)
    trial.suggest_categorical('schedule', ['poly', 'step'])
    for step in range(1, 4):
        time.sleep(0.02)
        trial.report(lr, step)
    return lr
`

describe.skipIf(!hasOptuna())('Optuna, while tune runs the same study,', () => {
  test('runs trials of its own beside ours, and either takes what it enqueued: none twice, none left', async () => {
    const { dir } = workspace({ 'tiny.ts': slow })
    const running = startTune(dir, ['run', 'tiny.ts', '--slots', '1', '--json'])
    const tuned = ended(running)
    await once(running.stdout!, 'data')
    const theirs = await withOptuna(
      dir,
      `${OBJECTIVE}
for i in range(6): study.enqueue_trial({'lr': 0.01 * (i + 2), 'schedule': 'step'})
mine = []
study.optimize(objective, n_trials=8, callbacks=[lambda study, trial: mine.append(trial.number)])
print(json.dumps(mine))
`,
    )
    const { code, stdout } = await tuned
    expect(code).toBe(0)
    const ours = jsonLines(stdout).flatMap((event) => (event['kind'] === 'trial-started' ? [event['trial']] : [])) // prettier-ignore
    const numbers = [...ours, ...(JSON.parse(theirs) as number[])] as number[]
    expect(new Set(numbers).size).toBe(numbers.length)

    const db = new Database(join(dir, 'results/studies.sqlite'), { readonly: true })
    const rows = db.prepare('SELECT number, state FROM trials ORDER BY number').all() as { number: number; state: string }[] // prettier-ignore
    const wanted = db.prepare(`SELECT count(*) FROM trial_system_attributes WHERE key = 'fixed_params'`).pluck().get()
    expect(db.pragma('integrity_check', { simple: true })).toBe('ok')
    db.close()
    expect(rows.map(({ number }) => number)).toEqual(numbers.toSorted((a, b) => a - b))
    expect(rows.map(({ number }) => number)).toEqual(rows.map((_, i) => i))
    expect(new Set(rows.map(({ state }) => state))).toEqual(new Set(['COMPLETE']))
    expect(wanted).toBe(6)
  })

  test('enqueues what our slots run; its read of the study has their results', async () => {
    const { dir, tune } = workspace({ 'tiny.ts': slow.replace('trials: 30', 'trials: 8') })
    expect((await tune('enqueue', '--study', 'tiny.ts', 'lr=0.5')).code).toBe(0)
    await withOptuna(dir, `study.enqueue_trial({'lr': 0.125, 'schedule': 'step'})`)
    expect((await tune('run', 'tiny.ts', '--slots', '1', '--quiet')).code).toBe(0)
    const read = await withOptuna(
      dir,
      `print(json.dumps([[t.number, t.state.name, t.params['lr'], t.value, len(t.intermediate_values)] for t in study.trials[:3]]))`,
    )
    expect(JSON.parse(read)).toEqual([
      [0, 'COMPLETE', 0.01, 2, 3],
      [1, 'COMPLETE', 0.5, expect.closeTo(3 - Math.log10(5)), 3],
      [2, 'COMPLETE', 0.125, expect.closeTo(3 - Math.log10(1.25)), 3],
    ])
  })

  test('takes up what we were interrupted in, and we count its result', async () => {
    const { dir, tune } = workspace({ 'tiny.ts': slow.replace('trials: 30', 'trials: 4') })
    const running = startTune(dir, ['run', 'tiny.ts', '--slots', '1', '--json'])
    const tuned = ended(running)
    await once(running.stdout!, 'data')
    running.kill('SIGTERM')
    await tuned
    const mine = JSON.parse(await withOptuna(dir, `${OBJECTIVE}
study.optimize(objective, n_trials=1)
print(json.dumps([t.number for t in study.trials if t.state.name == 'COMPLETE']))
`)) as number[] // prettier-ignore
    const before = JSON.parse((await tune('list', '--json')).stdout) as { trial: number; state: string }[]
    expect(before.filter(({ state }) => state === 'complete').map(({ trial }) => trial)).toEqual(mine)
    expect((await tune('run', 'tiny.ts', '--slots', '1', '--quiet')).code).toBe(0)
    const after = JSON.parse((await tune('list', '--json')).stdout) as { trial: number; state: string }[]
    expect(after.map(({ trial, state }) => [trial, state])).toEqual([0, 1, 2, 3].map((n) => [n, 'complete']))
  })
})
