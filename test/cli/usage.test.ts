import Database from 'better-sqlite3'
/* oxlint-disable no-control-regex -- terminals are driven by them */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { cli, ended, mistake, mistakeOf, startTune, tinyStudy, tune, workspace } from './tune.ts'

describe('the command line explains itself:', () => {
  test('a bare tune says what to type next, which studies are here, and how the stored ones stand', async () => {
    const { tune } = workspace({ 'studies/tiny.ts': tinyStudy(), 'studies/notes.md': '' })
    const before = await tune()
    expect(before).toMatchObject({ code: 0, stderr: '' })
    expect(before.stdout).toMatch(/^ {2}tune --study studies\/tiny\.ts$/m)
    expect(before.stdout).not.toMatch(/notes|Stored/)
    await tune('--study', 'studies/tiny.ts', '--trials', '1')
    const { stdout } = await tune()
    expect(stdout).toMatch(/^Stored in results:\n {2}study .*\n {2}tiny +1 /m)
    expect(stdout).toMatch(/tune --help/)
  })

  test('tune --help names every verb with what it does, within the columns', async () => {
    for (const columns of [60, 100]) {
      const { code, stdout } = await tune('.', ['--help'], { COLUMNS: String(columns) })
      expect(code).toBe(0)
      for (const verb of ['run', 'resume', 'status', 'list', 'show', 'best', 'recheck', 'export', 'eval', 'data']) {
        expect(stdout).toMatch(new RegExp(`^ {2}${verb} .*[a-z]{3}`, 'm'))
      }
      expect(longest(stdout)).toBeLessThanOrEqual(columns)
    }
  })

  test('a default is told as it would be written', async () => {
    const { stdout } = await tune('.', ['probe', '--help'], { COLUMNS: '100' })
    expect(stdout).toMatch(/--size <HxW> .*\(default: 64x64\)/)
  })

  test('tune --version prints the version', async () => {
    expect(await tune('.', ['--version'])).toEqual({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/), stderr: '' }) // prettier-ignore
  })

  test.each([
    [['stauts'], /unknown command 'stauts'/, /did you mean status\?/],
    [['frobnicate'], /unknown command 'frobnicate'/, /tune --help/],
    [['run'], /needs a study file/, /tune --study studies/],
    [['run', 'a.ts', '--study', 'b.ts'], /not both b\.ts and a\.ts/, undefined],
    [['--stuyd', 'a.ts'], /unknown option '--stuyd'/, /did you mean --study\?/],
    [['a.ts', '--trials', '0'], /'--trials <n>' argument '0' is invalid. A whole number from 1/, undefined],
    [['a.ts', '--seed', '-1'], /'--seed <n>' argument '-1' is invalid/, undefined],
    [['a.ts', '--set', 'lr'], /'lr' is invalid. Write it as key=value/, undefined],
    [['a.ts', '--executor', 'cloud'], /'cloud' is invalid. Allowed choices are inline, threads/, undefined],
    [['eval', 'panoptic'], /needs --gt FILE/, /--gt-dir DIR/],
    [['data', 'shape', 'd'], /unknown command 'shape'/, /did you mean shapes\?/],
  ])('%j is a mistake with a hint', async (words, message, hint) => {
    expect(mistakeOf(await tune('.', words))).toEqual(mistake('usage', message, hint))
  })

  test('a device that does not exist is a mistake', async () => {
    const { tune } = workspace()
    expect(mistakeOf(await tune('tiny.ts', '--device', 'gpu'))).toEqual(mistake('usage', /--device gpu/, /cuda:0/))
    expect(mistakeOf(await tune('tiny.ts', '--device', 'cuda:x'))).toEqual(
      mistake('usage', /'x' is no list/, /cuda:0,1/),
    )
  })
})

describe('what is printed suits where it goes:', () => {
  const wide = tinyStudy(`
    name: 'a_study_with_a_long_name',
    space: { center: loguniform(1e-4, 1), offset: loguniform(1e-4, 1), lr: loguniform(1e-4, 1, { default: 0.01 }),
      backbone: loguniform(0.1, 10), schedule: choice('poly', 'step'), warmup: uniform(0, 0.2) },
    pruner: asha({ first: 1, eta: 2 }),
    async *objective({ lr }, { maxSteps, number }) {
      if (number === 2) throw new Error('a message that is so long that it takes more than one line on any narrow screen')
      for (let step = 1; step <= maxSteps; step++) yield { pq: step + lr }
    },`)

  test('60 columns hold the plan, the summary, lists and trials', async () => {
    const { dir } = workspace({ 'wide.ts': wide })
    const narrow = (...words: readonly string[]) => tune(dir, words, { COLUMNS: '60' })
    const plan = await narrow('wide.ts', '--dry-run')
    const { stdout } = await narrow('wide.ts', '--slots', '1', '--quiet')
    const shown = await Promise.all([narrow('list'), narrow('best'), narrow('show', '0'), narrow('show', '2')])
    for (const printed of [plan.stdout, stdout, ...shown.map(({ stdout }) => stdout)]) {
      expect(printed).not.toBe('')
      // Paths and commands stay whole, so that they can be copied.
      const lines = printed.split('\n').filter((line) => !/npx tune|results\//.test(line))
      expect(longest(lines.join('\n'))).toBeLessThanOrEqual(60)
    }
  })

  test('a pipe gets no colours, and FORCE_COLOR gives them to it unless there is NO_COLOR', async () => {
    const { dir } = workspace()
    const coloured = async (env: Record<string, string>) => {
      const { stdout } = await tune(dir, ['tiny.ts'], env)
      return stdout.includes('\u001B')
    }
    expect(await coloured({})).toBe(false)
    expect(await coloured({ FORCE_COLOR: '1' })).toBe(true)
    expect(await coloured({ FORCE_COLOR: '1', NO_COLOR: '1' })).toBe(false)
  })

  test.each([{ LC_ALL: 'C' }, { LANG: 'POSIX' }, { LC_ALL: '', LANG: 'de_DE.ISO-8859-1' }])(
    'the locale %j gets ASCII',
    async (env) => {
      const { dir } = workspace({ 'wide.ts': wide })
      const run = await tune(dir, ['wide.ts', '--slots', '1'], env)
      const list = await tune(dir, ['list'], env)
      expect(run.stdout + list.stdout).toMatch(/^[\x00-\x7F]*$/)
      expect(list.stdout).toMatch(/^\+ 0 +complete/m)
      expect(list.stdout).toMatch(/^x 2 +failed/m)
    },
  )

  test('a reader that goes away ends neither a run nor a list with an error', async () => {
    const { dir, tune: here } = workspace()
    const child = startTune(dir, ['tiny.ts', '--slots', '1', '--trials', '50'])
    child.stdout?.once('data', () => child.stdout?.destroy())
    const [stderr, [code]] = await Promise.all([text(child.stderr!), once(child, 'exit')])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(JSON.parse((await here('status', '--json')).stdout)).toMatchObject([{ complete: 50 }])
  })
})

/** util-linux's `script` gives a command a terminal. */
const SCRIPT = '/usr/bin/script'
const hasTerminal = existsSync(SCRIPT) && isUtilLinux()

describe.skipIf(!hasTerminal)('on a terminal (needs util-linux script)', () => {
  const slow = tinyStudy(`budget: { trials: 3, steps: 4 }, async *objective({ lr }, { maxSteps }) {
    for (let step = 1; step <= maxSteps; step++) { await sleep(90); yield { pq: step + lr } }
  },`)

  test('the display is redrawn in place, fits, and leaves only lines and the summary', async () => {
    const { dir } = workspace({ 'slow.ts': slow })
    const screen = await onTerminal(dir, 'slow.ts --slots 1', { columns: 60, rows: 10 })
    const frames = screen.split(/\u001B\[\d+A\u001B\[J/)
    expect(frames.length).toBeGreaterThan(4)
    expect(frames.some((frame) => /● trial 1 {2}step [1-4]\/4 {2}pq [1-4]/.test(plain(frame)))).toBe(true)
    expect(frames.some((frame) => /1 of 3 trials, 0 pruned, about [\d.]+ s left/.test(plain(frame)))).toBe(true)
    for (const frame of frames.slice(0, -1)) expect(longest(plain(frame))).toBeLessThanOrEqual(60)
    expect(plain(frames.at(-1) ?? '')).toMatch(/^\n {11}tiny: 3 trials/)
    expect(screen).toMatch(/\u001B\[32m✓/)
  })

  test('NO_COLOR takes the colours, TERM=dumb and CI the redrawing', async () => {
    const { dir } = workspace()
    const size = { columns: 80, rows: 24 }
    expect(await onTerminal(dir, 'tiny.ts', size, { NO_COLOR: '1' })).not.toMatch(/\u001B\[\d+m/)
    expect(await onTerminal(dir, 'tiny.ts --name b', size, { TERM: 'dumb' })).not.toMatch(/\u001B/)
    expect(await onTerminal(dir, 'tiny.ts --name c', size, { CI: '1' })).not.toMatch(/\u001B\[\d+A/)
  })
})

async function onTerminal(
  dir: string,
  words: string,
  { columns, rows }: { readonly columns: number; readonly rows: number },
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const command = `stty cols ${columns} rows ${rows}; exec ${process.execPath} ${cli} ${words}`
  const child = spawn(SCRIPT, ['-qefc', command, '/dev/null'], {
    cwd: dir,
    env: { PATH: process.env['PATH'] ?? '', LANG: 'C.UTF-8', TERM: 'xterm', SHELL: '/bin/sh', ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const { code, stdout } = await ended(child)
  expect(code).toBe(0)
  return stdout.replaceAll('\r\n', '\n')
}

function isUtilLinux(): boolean {
  try {
    return execFileSync(SCRIPT, ['--version'], { encoding: 'utf8' }).includes('util-linux')
  } catch {
    return false
  }
}

function plain(text: string): string {
  return text.replaceAll(/\u001B\[[\d;]*[A-Za-z]/g, '')
}

function longest(text: string): number {
  return Math.max(...text.split('\n').map((line) => [...line].length))
}

test('what would move the cursor or set a title is spelled out, whatever text it comes in', async () => {
  const { dir, tune } = workspace()
  expect((await tune('tiny.ts', '--trials', '2')).code).toBe(0)
  const db = new Database(join(dir, 'results/studies.sqlite'))
  db.exec(`UPDATE tune_reports SET metrics_json = '{"pq":1,"\\u001b]0;title\\u0007":2}'`)
  db.close()
  const { stdout } = await tune('show', '0')
  expect(stdout).toContain('\\u001b]0;title\\u0007')
  const { stderr } = await tune('list', '--study', '\u001B[2J')
  expect(stderr).toContain("'\\u001b[2J'")
})
