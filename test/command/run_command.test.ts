import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { runCommand, type CommandRun } from '../../src/command/run_command.ts'
import { isHeld, leaseFile } from '../../src/command/lease.ts'
import { HEAD_BYTES, TAIL_BYTES } from '../../src/log_file.ts'
import { maximize } from '../../src/study.ts'
import type { Metrics } from '../../src/trial.ts'
import { temporaryDir } from '../temporary.ts'

/** A trial in a directory of its own. */
function trialIn(change: Partial<CommandRun['trial']> = {}): CommandRun['trial'] {
  const dir = join(temporaryDir(), '0007')
  mkdirSync(dir)
  return {
    number: 7,
    goals: [maximize('pq')],
    seed: 42,
    device: { kind: 'cpu', index: 0, threads: 3 },
    signal: new AbortController().signal,
    maxSteps: 9,
    dir,
    reported: 0,
    settings: {},
    data: undefined,
    ...change,
  }
}

/** A run of a shell script, which gets its arguments behind its own text. */
function shell(script: string, change: Partial<CommandRun> = {}): CommandRun {
  return { argv: ['sh', '-c', script, 'sh'], params: {}, trial: trialIn(), graceMs: 300, ...change }
}

async function readAll(run: CommandRun): Promise<readonly Metrics[]> {
  const reports: Metrics[] = []
  for await (const report of runCommand(run)) reports.push(report)
  return reports
}

const logOf = ({ trial }: CommandRun) => readFileSync(join(trial.dir, 'log.txt'), 'utf8')

/** Whether a process is there that has not ended: one that nobody has waited for has. */
function isAlive(pid: number): boolean {
  const { stdout } = spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' })
  return stdout.trim() !== '' && !stdout.startsWith('Z')
}

async function until(is: () => boolean): Promise<void> {
  for (let i = 0; i < 400 && !is(); i++) await sleep(25)
  expect(is()).toBe(true)
}

function pidIn({ trial }: CommandRun, name: string): number {
  return Number(readFileSync(join(trial.dir, name), 'utf8'))
}

describe('what a program prints', () => {
  test('is a report where it is a JSON object with a goal, in a line of its own, and goes to the log otherwise', async () => {
    const run = shell(`
      echo starting
      echo '{"pq": 0.5, "loss": 2, "phase": "warm-up"}'
      echo '{"loss": 1}'
      echo 'pq: {"pq": 0.6}'
      echo '{"pq": 0.6,'
      echo '["pq"]'
      printf '{"pq": 0.7}\\r\\n'
      printf 'step 1\\rstep 2\\r{"pq": 0.8}\\n'
      echo oops >&2
      printf '{"pq": 0.9}'
    `)
    expect(await readAll(run)).toEqual([{ pq: 0.5, loss: 2 }, { pq: 0.7 }, { pq: 0.8 }, { pq: 0.9 }])
    const log = logOf(run).split('\n')
    for (const line of ['starting', '{"loss": 1}', 'pq: {"pq": 0.6}', '{"pq": 0.6,', '["pq"]', 'oops'])
      expect(log).toContain(line)
    expect(log.join('\n')).not.toContain('0.9')
  })

  test('may have the numbers of Python that JSON does not', async () => {
    const run = shell(`
      echo '{"pq": 1, "grad": Infinity, "least": -Infinity, "text": "NaN", "loss": NaN}'
      echo '{"pq": NaN}'
      echo '{"pq": "high"}'
    `)
    expect(await readAll(run)).toEqual([
      { pq: 1, grad: Infinity, least: -Infinity, loss: Number.NaN },
      { pq: Number.NaN },
      { pq: 'high' }, // whoever reads it says what is wrong with it
    ])
  })

  test('costs neither memory nor disk, however much it is', async () => {
    const run = shell(`
      head -c 250000000 /dev/zero
      yes '{"loss": 0.25}' | head -c 150000000
      (yes training | head -c 50000000) >&2
      echo; echo '{"pq": 1}'
    `)
    const before = process.memoryUsage().rss
    expect(await readAll(run)).toEqual([{ pq: 1 }])
    expect(statSync(join(run.trial.dir, 'log.txt')).size).toBeLessThan(HEAD_BYTES + 3 * TAIL_BYTES)
    expect(process.memoryUsage().rss - before).toBeLessThan(200e6)
  })

  test('waits to be read: the program stands still between two reports that nobody asks for', async () => {
    const run = shell(`yes '{"pq": 1}'`)
    const reports = runCommand(run)
    await reports.next()
    const { user } = process.cpuUsage()
    await sleep(100)
    expect(process.cpuUsage().user - user).toBeLessThan(90_000)
    await reports.return()
  })
})

describe('a program finds', () => {
  test('its params and surroundings in its environment, and the params in two files', async () => {
    const trial = trialIn({ reported: 2 })
    const params = { lr: 1e-7, 'loss.center': 'ce', heads: { kind: 'wide', width: 4 }, flip: true }
    const run = shell(`env; cat $PANOPTUNE_DIR/params.json; cat $PANOPTUNE_DIR/params.yaml`, { trial, params })
    await readAll(run)
    const log = logOf(run)
    const expected = {
      PANOPTUNE_PARAM_LR: '1e-7',
      PANOPTUNE_PARAM_LOSS_CENTER: 'ce',
      PANOPTUNE_PARAM_HEADS: '{"kind":"wide","width":4}',
      PANOPTUNE_PARAM_FLIP: 'true',
      PANOPTUNE_TRIAL: '7',
      PANOPTUNE_SEED: '42',
      PANOPTUNE_DIR: trial.dir,
      PANOPTUNE_REPORTED: '2',
      PANOPTUNE_STEPS: '9',
      PANOPTUNE_DEVICE: 'cpu',
      CUDA_VISIBLE_DEVICES: '',
      PYTHONUNBUFFERED: '1',
      OMP_NUM_THREADS: '3',
    }
    for (const [name, value] of Object.entries(expected)) expect(log).toContain(`${name}=${value}\n`)
    expect(log).toContain(JSON.stringify(params, null, 2))
    expect(log).toContain('"lr": 1.0e-7\n"loss.center": "ce"\n"heads": {"kind": "wide", "width": 4}\n"flip": true\n')
  })

  test('one GPU, the first of those it sees', async () => {
    const run = shell('env', { trial: trialIn({ reported: 1, device: { kind: 'cuda', index: 3, uuid: 'GPU-a', threads: 1 } }) }) // prettier-ignore
    await readAll(run)
    const log = logOf(run)
    for (const line of ['CUDA_VISIBLE_DEVICES=GPU-a', 'CUDA_DEVICE_ORDER=PCI_BUS_ID', 'PANOPTUNE_DEVICE=cuda:0'])
      expect(log).toContain(`${line}\n`)
  })

  test('its arguments as they are, whatever a shell would make of them', async () => {
    const words = ['$(touch owned)', '`id`', '; exit 3', "it's", '"', '*', '', '\n']
    const run = shell(`for word in "$@"; do printf '<%s>' "$word"; done; echo; echo '{"pq": 1}'`)
    await readAll({ ...run, argv: [...run.argv, ...words] })
    expect(logOf(run)).toBe(`${words.map((word) => `<${word}>`).join('')}\n`)
  })
})

describe('how a program ends is how its trial does:', () => {
  test.each([
    ['exit 3', 'sh ended with exit code 3'],
    [`echo '{"pq": 1}'; echo 'ValueError: lr is 0' >&2; exit 1`, 'sh ended with exit code 1: ValueError: lr is 0'],
    [`printf '\\033[31mred\\033[0m\\n\\n' >&2; exit 1`, 'sh ended with exit code 1: red'],
    ['kill -SEGV $$', 'sh was ended by SIGSEGV, a memory access that is not allowed'],
  ])('%s', async (script, message) => {
    await expect(readAll(shell(script))).rejects.toMatchObject({ name: 'Error', message, stack: message })
  })

  test.each(['kill -KILL $$', `echo 'RuntimeError: CUDA out of memory. Tried to allocate 2 GiB' >&2; exit 1`])(
    '%s, out of memory',
    async (script) => {
      await expect(readAll(shell(script))).rejects.toMatchObject({ name: 'OutOfMemoryError' })
    },
  )

  test('without a report, unless it had made them all before', async () => {
    await expect(readAll(shell('exit 0'))).rejects.toMatchObject({
      name: 'NoReportError',
      message: `sh ended without a report, a line on its stdout such as {'pq': ...}`,
    })
    expect(await readAll(shell('exit 0', { trial: trialIn({ reported: 9 }) }))).toEqual([])
  })

  test.each([
    ['pythn3-of-nowhere', "there is no program 'pythn3-of-nowhere' on the PATH", 'install it'],
    ['ls_', "there is no program 'ls_' on the PATH", "did you mean 'ls'"],
    ['./no/such/train.sh', 'there is no program ./no/such/train.sh', 'started in'],
  ])('%s cannot be found, and what to do is said', async (name, message, hint) => {
    await expect(readAll(shell('', { argv: [name] }))).rejects.toMatchObject({
      code: 'study/invalid',
      message: `command: ${message}`,
      hint: expect.stringContaining(hint),
    })
  })

  test('a file that may not be executed is named', async () => {
    const file = join(temporaryDir(), 'train.py')
    writeFileSync(file, 'print(1)')
    await expect(readAll(shell('', { argv: [file] }))).rejects.toMatchObject({
      message: `command: ${file} is not executable`,
      hint: expect.stringContaining("['python3', 'train.py']"),
    })
  })
})

describe('a program that has to end', () => {
  const children = `
    sleep 1000 & echo $! > $PANOPTUNE_DIR/child
    (trap '' TERM; sleep 1000 & echo $! > $PANOPTUNE_DIR/deaf; wait) &
    while [ ! -s $PANOPTUNE_DIR/deaf ]; do sleep 0.01; done
    echo $$ > $PANOPTUNE_DIR/leader
  `

  test('is asked to, with all that it started, and ended by force where it does not listen', async () => {
    const run = shell(`trap 'echo asked; exit' TERM; ${children} echo '{"pq": 1}'; while :; do sleep 0.01; done`)
    for await (const report of runCommand(run)) {
      expect(report).toEqual({ pq: 1 })
      break
    }
    for (const name of ['leader', 'child', 'deaf']) expect(isAlive(pidIn(run, name))).toBe(false)
    expect(isHeld(leaseFile(run.trial.dir))).toBe(false)
  })

  test.each([
    ['hangs', 'while :; do sleep 0.01; done'],
    ['ignores being asked', `trap '' TERM; while :; do sleep 0.01; done`],
  ])('ends by the signal of its trial, though it %s', async (_, script) => {
    const stop = new AbortController()
    const run = shell(`${children} echo '{"pq": 1}'; ${script}`, { trial: trialIn({ signal: stop.signal }) })
    const reports = runCommand(run)
    await reports.next()
    const last = reports.next()
    stop.abort()
    await expect(last).rejects.toThrow('was ended by SIG')
    for (const name of ['leader', 'child', 'deaf']) expect(isAlive(pidIn(run, name))).toBe(false)
  })

  test('may keep a checkpoint when it is asked to end', async () => {
    const run = shell(
      `trap 'sleep 0.1; mkdir $PANOPTUNE_DIR/checkpoint; exit' TERM; echo '{"pq": 1}'; while :; do sleep 0.01; done`,
      { graceMs: 8000 },
    )
    for await (const _ of runCommand(run)) break
    expect(existsSync(join(run.trial.dir, 'checkpoint'))).toBe(true)
  })

  test('may end by itself after the last report that is wanted', async () => {
    const run = shell(`trap 'echo asked' TERM; echo '{"pq": 1}'; sleep 0.2; touch $PANOPTUNE_DIR/done`, {
      trial: trialIn({ maxSteps: 1 }),
    })
    for await (const _ of runCommand(run)) break
    expect(existsSync(join(run.trial.dir, 'done'))).toBe(true)
  })

  test('leaves nobody behind who would print for ever', async () => {
    const run = shell(`${children} (while :; do echo more; sleep 0.01; done) & echo '{"pq": 1}'`)
    expect(await readAll(run)).toEqual([{ pq: 1 }])
    for (const name of ['child', 'deaf']) expect(isAlive(pidIn(run, name))).toBe(false)
  })

  test('is not waited for by who left its group and holds its output', async () => {
    const run = shell(`cd $PANOPTUNE_DIR; setsid sh -c 'touch away; sleep 3' &
      while [ ! -e away ]; do sleep 0.01; done; echo '{"pq": 1}'`) // prettier-ignore
    const start = performance.now()
    expect(await readAll(run)).toEqual([{ pq: 1 }])
    expect(performance.now() - start).toBeLessThan(2500)
  })
})

const isBuilt = existsSync(new URL('../../dist/command/run_command.js', import.meta.url))
if (!isBuilt) console.warn('a driver to kill runs the built code: npm run build first')

describe.skipIf(!isBuilt)('a program whose driver is killed', () => {
  /** Starts a run in another process, which prints its reports. */
  async function startDriver(run: CommandRun): Promise<() => Promise<void>> {
    const file = fileURLToPath(new URL('../fixtures/run_command.js', import.meta.url))
    const options = { stdio: ['pipe', 'pipe', 'inherit'] as ['pipe', 'pipe', 'inherit'] }
    const driver = spawn(process.execPath, [file, JSON.stringify(run)], options) // prettier-ignore
    await once(driver.stdout, 'data')
    return async () => {
      driver.kill('SIGKILL')
      await once(driver, 'exit')
    }
  }

  test('is ended soon after, politely, then by force', async () => {
    const run =
      shell(`exec 2>/dev/null; trap 'touch $PANOPTUNE_DIR/asked' TERM; sleep 1000 & echo $! > $PANOPTUNE_DIR/child
      echo $$ > $PANOPTUNE_DIR/leader; echo '{"pq": 1}'; while :; do sleep 0.01; done`)
    const kill = await startDriver(run)
    expect(isHeld(leaseFile(run.trial.dir))).toBe(true)
    await kill()
    await until(() => !isHeld(leaseFile(run.trial.dir)))
    expect(existsSync(join(run.trial.dir, 'asked'))).toBe(true)
    for (const name of ['leader', 'child']) expect(isAlive(pidIn(run, name))).toBe(false)
  })

  test('is never beside its next attempt, which finds no checkpoint of a run that nobody knows', async () => {
    // What it prints then is read by nobody.
    const run = shell(`exec 2>/dev/null; trap 'sleep 0.3; mkdir -p $PANOPTUNE_DIR/checkpoint; echo ended > $PANOPTUNE_DIR/first; exit' TERM
      echo '{"pq": 1}'; while :; do sleep 0.01; done`, { graceMs: 3000 }) // prettier-ignore
    await (
      await startDriver(run)
    )()
    const next = shell(`cat $PANOPTUNE_DIR/first; ls $PANOPTUNE_DIR; echo '{"pq": 2}'`, { trial: run.trial, graceMs: 3000 }) // prettier-ignore
    expect(await readAll(next)).toEqual([{ pq: 2 }])
    expect(logOf(next)).toContain('ended\n')
    expect(logOf(next)).not.toContain('checkpoint')
  })

  test('that cannot be ended keeps its next attempt away, by name', async () => {
    const run = shell(`echo '{"pq": 1}'; while :; do sleep 0.01; done`)
    const reports = runCommand(run)
    await reports.next()
    await expect(readAll({ ...run, graceMs: 0 })).rejects.toThrow('what trial 7 ran before still runs')
    await reports.return()
  })
})
