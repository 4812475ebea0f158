import { once } from 'node:events'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { ended, mistake, mistakeOf, jsonLines, startTune, tinyStudy, workspace, type Ran } from './tune.ts'

describe('tune run', () => {
  test('runs a study to its budget, says so line by line, and ends with a summary', async () => {
    const { dir, tune } = workspace()
    const { code, stdout, stderr } = await tune('--study', 'tiny.ts', '--slots', '1')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const [progress = '', summary = ''] = stdout.split('\n\n')
    expect(progress.split('\n').slice(0, 6)).toEqual([
      'tiny  maximize pq, 4 trials, 1 slot',
      'trial 0 started  lr 0.01  schedule poly',
      'trial 0 step 1  pq 0',
      'trial 0 step 2  pq 1',
      'trial 0 step 3  pq 2',
      '✓ trial 0 complete  pq 2  (the baseline)',
    ])
    expect(summary.replace(/in [\d.]+ s/, 'in 0 s')).toMatchInlineSnapshot(`
      "           tiny: 4 trials in 0 s (4 complete)
      best       pq 2.89, trial 2: +0.892 over the baseline's 2
      params     lr 0.128  schedule step
      mattered   not known: 4 evenly spread trials with a report are too few to say
      cost       12 reports
      files      results/tiny/best.yaml  results/studies.sqlite
      next       npx tune recheck --study tiny
                 npx tune resume tiny --trials 8
      "
    `)
    expect(existsSync(join(dir, 'results/studies.sqlite'))).toBe(true)
  })

  test('writes the best configuration with its baseline, seed, settings and code', async () => {
    const { dir, tune } = workspace()
    await tune('run', 'tiny.ts', '--set', 'label=a=b', '--set', 'loud=true')
    const file = readFileSync(join(dir, 'results/tiny/best.yaml'), 'utf8')
    expect(parse(file)).toEqual({
      study: 'tiny',
      trial: 2,
      params: { lr: expect.closeTo(0.128, 3), schedule: 'step' },
      metrics: { pq: expect.closeTo(2.892, 3), seconds: 1.5 },
      baseline: { params: { lr: 0.01, schedule: 'poly' }, metrics: { pq: 2, seconds: 1.5 } },
      seed: expect.any(Number),
      settings: { gain: 1, label: 'a=b', loud: true },
      goals: [{ direction: 'maximize', metric: 'pq' }],
      studySeed: 0,
      steps: 3,
      code: expect.stringMatching(/^[0-9a-f]{64}$/),
      panoptune: expect.stringMatching(/^\d+\.\d+\.\d+$/),
    })
    expect((await tune('best', '--yaml')).stdout).toBe(file)
    expect((await tune('export', '--yaml')).stdout).toBe(file)
  })

  test('in worker threads gives the same trials as in the main thread', async () => {
    const { tune } = workspace()
    const seen = (stdout: string) =>
      jsonLines(stdout)
        .filter(({ kind }) => kind === 'trial-ended')
        .map(({ params, seed, metrics }) => ({ params, seed, metrics }))
    const inline = await tune('tiny.ts', '--slots', '1', '--json')
    const threads = await tune('tiny.ts', '--slots', '1', '--json', '--executor', 'threads', '--name', 'other')
    expect(seen(inline.stdout)).toHaveLength(4)
    expect(seen(threads.stdout)).toEqual(seen(inline.stdout))
  })

  test('takes its trials, steps, seed, name and results from the command line', async () => {
    const { dir, tune } = workspace()
    const words = ['--trials', '2', '--steps', '1', '--seed', '7', '--name', 'mine', '--results', 'elsewhere']
    const { code } = await tune('run', '--study', 'tiny.ts', '--set', 'gain=5', ...words)
    expect(code).toBe(0)
    const { stdout } = await tune('export', '--json', '--results', 'elsewhere')
    expect(JSON.parse(stdout)).toMatchObject({ name: 'mine', seed: 7, settings: { gain: 5 }, trials: [{ steps: 1 }, { steps: 1 }] }) // prettier-ignore
    expect(existsSync(join(dir, 'elsewhere/mine/best.yaml'))).toBe(true)
    expect(existsSync(join(dir, 'results'))).toBe(false)
  })

  test('--json prints one object a line, and what a study itself prints goes to stderr or to its log', async () => {
    const loud = `console.log('LOADED')\n${tinyStudy(`prepare: () => console.log('PREPARED'), async *objective() { console.log('TRAINED'); yield { pq: 1 } },`)}`
    const { dir, tune } = workspace({ 'loud.ts': loud })
    const { code, stdout, stderr } = await tune('--study', 'loud.ts', '--trials', '1', '--json')
    expect(code).toBe(0)
    const events = jsonLines(stdout)
    expect(events.map(({ kind }) => kind)).toEqual(['study-started', 'trial-started', 'trial-reported', 'trial-ended', 'study-ended', 'summary']) // prettier-ignore
    for (const { at } of events.slice(0, -1)) expect(at).toMatch(/^\d{4}-.*Z$/)
    expect(events[3]).toMatchObject({ trial: 0, state: 'complete', metrics: { pq: 1 }, reason: expect.any(String) })
    expect(events[5]).toMatchObject({ best: { trial: 0, study: 'tiny' } })
    expect(stderr).toBe('LOADED\nPREPARED\n')
    expect(readFileSync(join(dir, 'results/tiny/trials/0000/log.txt'), 'utf8')).toBe('TRAINED\n')
  })

  test('--quiet prints the summary only', async () => {
    const { stdout, stderr } = await workspace().tune('tiny.ts', '--quiet')
    expect(stdout).toMatch(/^ {11}tiny: 4 trials/)
    expect(stderr).toBe('')
  })

  test('--dry-run says what would be done, and keeps no study', async () => {
    const space = `space: { lr: loguniform(1e-4, 1, { default: 1e-4 }), on: oneOf({ yes: { by: uniform(0, 1) }, no: {} }) },`
    const { dir, tune } = workspace({ 'tiny.ts': tinyStudy(space) })
    const { stdout } = await tune('--study', 'tiny.ts', '--dry-run', '--slots', '1', '--trials', '1')
    expect(stdout.replace(/each: \d+/, 'each: 2')).toMatchInlineSnapshot(`
      "tiny: maximize pq
      parameter  range           baseline
      lr         1e-4 to 1, log  1e-4
      on         "yes" | "no"    yes
      on.yes.by  0 to 1          0.5
      settings: gain 1  label plain  loud false
      budget: 1 trial of 3 reports, seed 0
      search: tpe, nothing is stopped early
      slots: 1 on cpu, CPU threads each: 2
      warning  the default of lr 1e-4 is at the lower end of 1e-4 to 1: search on both
        sides of it
      "
    `)
    const { stdout: json } = await tune('--study', 'tiny.ts', '--dry-run', '--json', '--device', 'cuda:0,1')
    expect(jsonLines(json)).toMatchObject([
      { baseline: { lr: 1e-4, on: { kind: 'yes', by: 0.5 } }, slots: [{ device: { kind: 'cuda', index: 0 } }, { device: { kind: 'cuda', index: 1 } }] }, // prettier-ignore
    ])
    expect(existsSync(join(dir, 'results/studies.sqlite'))).toBe(false)
  })

  test('exits 5 where no trial completed, and says why in the summary', async () => {
    const throwing = tinyStudy(
      `budget: { trials: 9 }, async *objective() { throw new Error('no module panopticapi') },`,
    )
    const { code, stdout, stderr } = await workspace({ 'bad.ts': throwing }).tune('bad.ts', '--slots', '1')
    expect({ code, stderr }).toEqual({ code: 5, stderr: '' })
    expect(stdout).toMatch(/paused: the first 5 trials failed the same way: no module panopticapi/)
    expect(stdout).toMatch(/^best +none: no trial completed$/m)
    expect(stdout).toMatch(/^failed +5 trials \(the first is 0\): no module panopticapi$/m)
    expect(stdout).toMatch(/^files +results\/tiny\/trials\/0000\/log\.txt/m)
    expect(stdout).toMatch(/^next +npx tune show 0 --study tiny\n +npx tune resume tiny$/m)
  })

  test('ends although an objective left something running behind', async () => {
    const busy = tinyStudy(`async *objective() { setInterval(() => undefined, 1000); yield { pq: 1 } },`)
    const { code, stdout } = await workspace({ 'busy.ts': busy }).tune('busy.ts', '--trials', '1')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^next /m)
  })

  test('of several goals has a front, in the summary and in best.yaml', async () => {
    const goals = tinyStudy(`goal: undefined, goals: [maximize('pq'), minimize('seconds')], async *objective({ lr }) { yield { pq: -Math.abs(Math.log10(lr) + 1), seconds: lr } },`) // prettier-ignore
    const { dir, tune } = workspace({ 'goals.ts': goals })
    const { code, stdout } = await tune('goals.ts', '--trials', '6', '--slots', '1')
    expect(code).toBe(0)
    const { front, trial } = parse(readFileSync(join(dir, 'results/tiny/best.yaml'), 'utf8')) as { front: number[]; trial: number } // prettier-ignore
    expect(front.length).toBeGreaterThan(1)
    expect(front).toContain(trial)
    expect(stdout).toMatch(/^front +trial +pq +seconds$/m)
    expect(stdout.split('\n').filter((line) => /^ {11}\d +-?[\d.]+ +[\de.-]+$/.test(line))).toHaveLength(front.length)
    expect((await tune('best')).stdout).toMatch(/no other beats/)
  })
})

describe('a study that was run before', () => {
  test('is continued by the same command with more trials, which then stand beside the first', async () => {
    const { tune } = workspace()
    await tune('tiny.ts', '--slots', '1', '--trials', '3')
    const { stdout } = await tune('tiny.ts', '--slots', '1', '--trials', '5')
    expect(stdout).toMatch(/^tiny {2}maximize pq, continues after 3 of 5 trials, 1 slot$/m)
    // Trial 2 of the first run is better.
    expect(stdout).not.toMatch(/best so far/)
    expect(stdout).toMatch(/tiny: 5 trials/)
    const list = JSON.parse((await tune('list', '--json')).stdout) as { trial: number }[]
    expect(list.map(({ trial }) => trial)).toEqual([0, 1, 2, 3, 4])
  })

  test('is not run again once its budget is spent', async () => {
    const { tune } = workspace()
    await tune('tiny.ts')
    const { code, stdout } = await tune('tiny.ts', '--json')
    expect(code).toBe(0)
    expect(jsonLines(stdout).map(({ kind }) => kind)).toEqual(['study-started', 'study-ended', 'summary'])
  })

  test('is resumed by its name as it was started, from any directory', async () => {
    const { dir, tune: here } = workspace()
    await here('tiny.ts', '--set', 'gain=3', '--seed', '5', '--name', 'mine', '--trials', '2', '--slots', '1')
    const elsewhere = workspace()
    const { code, stdout } = await elsewhere.tune('resume', 'mine', '--trials', '3', '--results', join(dir, 'results'))
    expect(code).toBe(0)
    expect(stdout).toMatch(/^mine {2}maximize pq, continues after 2 of 3 trials, 1 slot$/m)
    const { stdout: json } = await here('export', '--json')
    expect(JSON.parse(json)).toMatchObject({ name: 'mine', seed: 5, settings: { gain: 3 }, trials: [{}, {}, {}] })
  })

  test('is not started by tune resume, which names the nearest', async () => {
    const { tune } = workspace()
    expect(mistakeOf(await tune('resume', 'tiny'))).toEqual(
      mistake('study/unknown', /no study is stored here yet/, /tune --study/),
    )
    await tune('tiny.ts', '--trials', '1')
    expect(mistakeOf(await tune('resume', 'tyni'))).toEqual(
      mistake('study/unknown', /no study 'tyni'/, /did you mean 'tiny'\?/),
    )
    expect((await tune('status', '--json')).stdout).not.toMatch(/tyni/)
  })
})

test('a study goes on in its other slots where a thread hangs in native code, and ends all the same', async () => {
  const hanging = tinyStudy(`
    executor: 'threads',
    budget: { trials: 6, steps: 1, trialSeconds: 4 },
    async *objective({ lr }, { number }) {
      if (number === 1) spawnSync('sleep', ['60'])
      yield { pq: lr }
    },`)
  const text = `import { spawnSync } from 'node:child_process'\n${hanging}`
  const { dir, tune: here } = workspace({ 'hanging.ts': text })
  const child = startTune(dir, ['hanging.ts', '--slots', '2', '--json'])
  const from = performance.now()
  const exit = once(child, 'exit')
  const { stdout } = await ended(child)
  expect(performance.now() - from).toBeLessThan(30_000)
  // Before Node 22.15, no process that has such a thread can choose its exit code.
  expect(await exit).toEqual('execve' in process ? [0, null] : [null, 'SIGKILL'])
  const events = jsonLines(stdout)
  expect(events).toContainEqual(expect.objectContaining({ kind: 'warning', message: expect.stringMatching(/^slot [01] is given up/) as unknown })) // prettier-ignore
  expect(events.at(-1)).toMatchObject({ kind: 'summary' })
  const trials = JSON.parse((await here('list', '--json')).stdout) as { state: string; code?: string }[]
  expect(trials.map(({ state }) => state)).toEqual([
    'complete',
    'failed',
    'complete',
    'complete',
    'complete',
    'complete',
  ])
  expect(trials[1]).toMatchObject({ code: 'trial/timeout', message: 'took longer than its budget of 4 s' })
}, 90_000)

describe('an interrupted run', () => {
  const slow = tinyStudy(`
    budget: { trials: 5, steps: 4 },
    async *objective({ lr }, { maxSteps }) {
      if (existsSync('hang')) for (;;) await sleep(50)
      for (let step = 1; step <= maxSteps; step++) { await sleep(25); yield { pq: step + lr } }
    },`)

  /** Starts the study, and sends signals once it has made some reports. */
  async function interrupted(dir: string, signals: readonly NodeJS.Signals[]): Promise<Ran> {
    const child = startTune(dir, ['--study', 'slow.ts', '--slots', '2', '--json'])
    const [first, ...others] = signals
    let printed = ''
    const interrupt = (chunk: Buffer) => {
      printed += chunk.toString()
      if (printed.split('trial-reported').length <= 6) return
      child.stdout?.off('data', interrupt)
      child.kill(first)
    }
    child.stdout?.on('data', interrupt)
    // The next one is sent once the last is answered.
    child.stderr?.on('data', () => child.kill(others.shift() ?? 0))
    return ended(child)
  }

  const endsOf = ({ stdout }: Ran) => jsonLines(stdout).filter(({ kind }) => kind === 'trial-ended')

  test('lets its trials end after one Ctrl-C, starts no others, and exits 130', async () => {
    const { dir, tune: here } = workspace({ 'slow.ts': slow })
    const first = await interrupted(dir, ['SIGINT'])
    expect(first.code).toBe(130)
    expect(first.stderr).toMatch(/^finishing: the trials that run go on to their end, no others start; Ctrl-C again/)
    expect(jsonLines(first.stdout).at(-2)).toMatchObject({ kind: 'study-ended', why: 'interrupted' })
    const ends = endsOf(first)
    expect(new Set(ends.map(({ state }) => state))).toEqual(new Set(['complete']))
    expect(ends.length).toBeLessThan(5)
    const second = await here('--study', 'slow.ts', '--slots', '2', '--json')
    expect(second.code).toBe(0)
    expect([...ends, ...endsOf(second)].map(({ trial }) => trial)).toHaveLength(5)
  })

  test.each([
    [['SIGINT', 'SIGINT'] as const, 130, /\nstopping: the trials that run go on from their last checkpoint when you/],
    [['SIGTERM'] as const, 143, /^stopping: the trials that run go on from their last checkpoint when you continue/],
  ])(
    'puts its trials back after %s and exits %i, and the same command then meets the budget exactly',
    async (signals, code, said) => {
      const { dir, tune: here } = workspace({ 'slow.ts': slow })
      const first = await interrupted(dir, signals)
      expect(first.code).toBe(code)
      expect(first.stderr).toMatch(said)
      expect(jsonLines(first.stdout).at(-2)).toMatchObject({ kind: 'study-ended', why: 'interrupted' })
      const states = (JSON.parse((await here('list', '--json')).stdout) as { state: string }[]).map(
        ({ state }) => state,
      )
      expect(states).toContain('interrupted')
      expect(states).not.toContain('running')

      const second = await here('--study', 'slow.ts', '--slots', '2', '--json')
      expect(second.code).toBe(0)
      const ends = [first, second].flatMap(endsOf).filter(({ state }) => state !== 'interrupted')
      expect(ends.map(({ trial }) => Number(trial)).toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4])
      expect(jsonLines(second.stdout).filter(({ again }) => again === true)).not.toHaveLength(0)
      const { trials } = JSON.parse((await here('export', '--json')).stdout) as { trials: { state: string; steps: number }[] } // prettier-ignore
      expect(trials.map(({ state, steps }) => [state, steps])).toEqual(Array.from({ length: 5 }, () => ['complete', 4]))
    },
  )

  test('ends at once by a third Ctrl-C, and is continued all the same', async () => {
    const { dir, tune: here } = workspace({ 'slow.ts': slow, hang: '' })
    const child = startTune(dir, ['slow.ts', '--slots', '1', '--trials', '1', '--json'])
    child.stdout?.once('data', () => child.kill('SIGINT'))
    child.stderr?.on('data', () => child.kill('SIGINT'))
    const [code, signal] = (await once(child, 'exit')) as [number | null, string | null]
    expect({ code, signal }).toEqual({ code: null, signal: 'SIGINT' })
    expect((await here('list')).stdout).toMatch(/↻ 0 +interrupted/)
    rmSync(join(dir, 'hang'))
    expect((await here('slow.ts', '--slots', '1', '--trials', '1')).stdout).toMatch(/tiny: 1 trial in .*\(1 complete\)/)
  })
})
