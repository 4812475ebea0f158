import { beforeAll, describe, expect, test } from 'vitest'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ended, mistake, mistakeOf, startTune, tinyStudy, tune, workspace } from './tune.ts'

/** Two studies: one of the first three trials failed, one pruned, and a text parameter with a comma. */
let dir = ''
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'panoptune-inspect-'))
  const mixed = tinyStudy(`
    name: 'mixed',
    space: { lr: loguniform(1e-4, 1, { default: 0.01 }), note: choice('a,b', '"c"') },
    pruner: { name: 'strict', judge: ({ number, reports }) => (number === 2 && reports.length > 1 ? { action: 'stop', reason: 'strict', numbers: {} } : undefined) },
    async *objective({ lr }, { number, maxSteps }) {
      if (number === 1) throw new Error('no such layer')
      for (let step = 1; step <= maxSteps; step++) yield { pq: step + lr, extra: step > 1 ? NaN : step }
    },`)
  writeFileSync(join(dir, 'tiny.ts'), tinyStudy())
  writeFileSync(join(dir, 'mixed.ts'), mixed)
  await tune(dir, ['tiny.ts', '--slots', '1', '--trials', '2', '--quiet'])
  await tune(dir, ['mixed.ts', '--slots', '1', '--quiet'])
  return () => rmSync(dir, { recursive: true })
})

const stdoutOf = async (...words: readonly string[]) => {
  const { code, stdout, stderr } = await tune(dir, words)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return stdout
}
const jsonOf = async (...words: readonly string[]): Promise<unknown> => JSON.parse(await stdoutOf(...words))

describe('tune status', () => {
  test('has one line per study', async () => {
    expect(await stdoutOf('status')).toMatchInlineSnapshot(`
      "study  complete  pruned  failed  open     best
      tiny          2       0       0     0     pq 2
      mixed         2       1       1     0  pq 3.01
      "
    `)
  })

  test('--json has the counts, the best trial and the times of every study', async () => {
    const time = expect.stringMatching(/^\d{4}-.*Z$/) as unknown
    expect(await jsonOf('status', '--json')).toMatchObject([
      { study: 'tiny', trials: 2, complete: 2, best: { trial: 0 }, startedAt: time, updatedAt: time },
      { study: 'mixed', trials: 4, complete: 2, pruned: 1, failed: 1, running: 0, interrupted: 0 },
    ])
  })

  test('says so where nothing is stored, and that is no mistake', async () => {
    const { code, stdout } = await workspace({}).tune('status')
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'no study is stored here yet\n' })
  })

  test('works while the study runs', async () => {
    const slow = tinyStudy(`async *objective() { yield { pq: 1 }; while (!existsSync('go')) await sleep(20); yield { pq: 2 } },`) // prettier-ignore
    const running = workspace({ 'slow.ts': slow })
    const child = startTune(running.dir, ['slow.ts', '--slots', '1', '--trials', '1'])
    const run = ended(child)
    await new Promise((resolve) => child.stdout?.once('data', resolve))
    expect(JSON.parse((await running.tune('status', '--json')).stdout)).toMatchObject([{ running: 1, best: null }])
    expect((await running.tune('list')).stdout).toMatch(/● 0 +running/)
    expect(mistakeOf(await running.tune('slow.ts'))).toEqual(
      mistake('store/locked', /'tiny' is being run by another process/, /--name/),
    )
    running.write('go', '')
    expect((await run).code).toBe(0)
  })
})

describe('tune list', () => {
  test('has a row per trial of the study that changed last', async () => {
    expect(await stdoutOf('list')).toMatchInlineSnapshot(`
      "trial  state     steps    pq      lr  note
      ✓ 0    complete      3  3.01    0.01  a,b
      ✗ 1    failed        0     -  4.4e-4  "c"
      ◐ 2    pruned        2  2.13   0.128  "c"
      ✓ 3    complete      3  3.01  0.0062  a,b
      "
    `)
  })

  test('puts the params below where the columns do not suffice', async () => {
    const { stdout } = await tune(dir, ['list', '--study', 'tiny'], { COLUMNS: '44' })
    expect(stdout).toMatchInlineSnapshot(`
      "trial  state     steps    pq
      ✓ 0    complete      3  2.00
          lr 0.01  schedule poly
      ✓ 1    complete      3  0.64
          lr 4.4e-4  schedule step
      "
    `)
  })

  test('--json has every trial with its last metrics, null where one is no number', async () => {
    const trials = await jsonOf('list', '--json')
    expect(trials).toMatchObject([
      { trial: 0, state: 'complete', steps: 3, metrics: { pq: expect.any(Number), extra: null } },
      { trial: 1, state: 'failed', code: 'trial/threw', message: 'no such layer', metrics: {} },
      { trial: 2, state: 'pruned', steps: 2 },
      { trial: 3 },
    ])
  })
})

describe('tune show', () => {
  test('has all of one trial: params, seed, device, log and every report', async () => {
    const text = await stdoutOf('show', '0')
    expect(text.replace(/seed \d+|\+[\d.]+ s|\d+ threads?/g, (found) => found.replace(/[\d.]+/, 'N'))).toMatchInlineSnapshot(`
      "✓ trial 0 of mixed: complete (the baseline)
        lr 0.01
        note a,b
        seed N, on cpu with N threads
        log results/mixed/trials/0000/log.txt
      step    pq  extra  after the first
         1  1.01      1           +N s
         2  2.01    NaN           +N s
         3  3.01    NaN           +N s
      "
    `) // prettier-ignore
  })

  test('says why a trial failed', async () => {
    expect(await stdoutOf('show', '1')).toMatch(/^✗ trial 1 of mixed: failed\n {2}trial\/threw: no such layer\n/)
  })

  test('--json has every report with its time', async () => {
    const time = expect.stringMatching(/^\d{4}-.*Z$/) as unknown
    expect(await jsonOf('show', '0', '--json')).toMatchObject({
      trial: 0,
      reports: [{ step: 1, at: time, metrics: { extra: 1 } }, { step: 2, metrics: { extra: null } }, { step: 3 }],
    })
  })

  test('names the trials that there are', async () => {
    expect(mistakeOf(await tune(dir, ['show', '9']))).toEqual(mistake('usage', /no trial 9/, /0 to 3/))
    expect(mistakeOf(await tune(dir, ['show', 'x']))).toEqual(mistake('usage', /'x' is invalid/))
  })
})

describe('tune best', () => {
  test('stands beside the baseline', async () => {
    expect(await stdoutOf('best')).toMatchInlineSnapshot(`
      "trial 0 of mixed, the baseline: nothing beat it
      lr 0.01  note a,b
      metric  best  baseline  difference
      pq      3.01      3.01          +0
      extra    NaN       NaN         NaN
      "
    `)
  })

  test('--json is the content of best.yaml', async () => {
    expect(await jsonOf('best', '--json')).toMatchObject({
      study: 'mixed',
      trial: 0,
      baseline: { params: { note: 'a,b' } },
    })
  })
})

describe('tune export', () => {
  test('--csv has a row per trial, with quotes where a value needs them', async () => {
    const rows = (await stdoutOf('export', '--csv')).split('\r\n')
    expect(rows[0]).toBe('trial,state,steps,seed,failure,params_lr,params_note,metrics_pq,metrics_extra')
    expect(rows[1]).toMatch(/^0,complete,3,\d+,,0\.01,"a,b",3\.01,NaN$/)
    expect(rows[2]).toMatch(/^1,failed,0,\d+,trial\/threw: [^,]+,[\d.e-]+,(?:"a,b"|"""c"""),,$/)
    expect(rows).toHaveLength(6)
  })

  test('--json has the study and every report', async () => {
    expect(await jsonOf('export', '--json', '--study', 'tiny')).toMatchObject({
      name: 'tiny',
      space: { lr: { kind: 'loguniform', low: 1e-4, high: 1 } },
      trials: [{ reports: [{ step: 1 }, { step: 2 }, { step: 3 }] }, {}],
    })
  })

  test('needs to know what to export, and refuses two things at once', async () => {
    expect(mistakeOf(await tune(dir, ['export']))).toEqual(mistake('usage', /one of --yaml, --json, --csv and --onnx/))
    expect(mistakeOf(await tune(dir, ['export', '--csv', '--json']))).toEqual(mistake('usage', /not 2/))
  })
})

test('a study of a mistyped name is answered with the nearest', async () => {
  for (const verb of ['list', 'best', 'export']) {
    const words = [verb, '--study', 'mixd', ...(verb === 'export' ? ['--csv'] : [])]
    expect(mistakeOf(await tune(dir, words))).toEqual(
      mistake('study/unknown', /no study 'mixd'/, /did you mean 'mixed'\?/),
    )
  }
})
