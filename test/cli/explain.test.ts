import Database from 'better-sqlite3'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { tinyStudy, workspace, type Workspace } from './tune.ts'

/** Four trials, of which each is worse than the one before: asha stops the last ones. */
const falling = tinyStudy(`
  name: 'falling',
  pruner: asha({ eta: 2 }),
  budget: { trials: 4, steps: 4 },
  async *objective(_, { number, maxSteps }) {
    for (let step = 1; step <= maxSteps; step++) yield { pq: 10 - number + step / 10 }
  },`)

async function studied(): Promise<Workspace> {
  const here = workspace({ 'falling.ts': falling })
  const { code, stderr } = await here.tune('falling.ts', '--slots', '1', '--quiet')
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return here
}

describe('tune explain', () => {
  test('says why a trial was tried and stopped, and that the stored reports say the same', async () => {
    const here = await studied()
    const { stdout } = await here.tune('explain', '2')
    expect(stdout.replaceAll(/\n {4}/g, ' ')).toMatch(
      new RegExp(
        [
          '^trial 2 of falling: pruned after 1 report',
          'tried: \\w+: .*',
          'step 1: stopped by asha: pq 8.1 at step 1 is worse than 9.6, the best 1 in 2 of 2',
          'recomputed from the stored reports as they were known then: 1 decision, the same\n$',
        ].join('\n'),
      ),
    )
  })

  test('--json has every number of every decision', async () => {
    const here = await studied()
    expect(JSON.parse((await here.tune('explain', '1', '--json')).stdout)).toMatchObject({
      study: 'falling',
      trial: 1,
      state: 'pruned',
      decisions: [
        {
          step: 1,
          pruner: 'asha',
          action: 'stop',
          numbers: { step: 1, loss: -9.1, cutoff: -10.1, others: 1 },
          recomputed: { action: 'stop' },
          same: true,
        },
      ],
      notRecomputed: null,
    })
  })

  test('knows that a trial is not complete while its objective cleans up', async () => {
    const study = tinyStudy(`
      name: 'tidy',
      pruner: median({ minTrials: 0 }),
      budget: { trials: 2, steps: 2 },
      async *objective(_, { number }) {
        try {
          await sleep(150 * number)
          yield { pq: 1 }
          yield { pq: 2 }
        } finally {
          await sleep(400)
        }
      },`).replace('asha,', 'median,')
    const here = workspace({ 'tidy.ts': study })
    await here.tune('tidy.ts', '--slots', '2', '--quiet')
    const { stdout } = await here.tune('explain', '1')
    expect(stdout.replaceAll(/\n {4}/g, ' ')).toContain('the median of 0 complete trials')
    expect(stdout).toContain('1 decision, the same')
  })

  test('says where the stored reports say otherwise', async () => {
    const here = await studied()
    const db = new Database(join(here.dir, 'results', 'studies.sqlite'))
    db.exec(
      `UPDATE tune_reports SET metrics_json = '{"pq":7}' WHERE step = 1 AND trial_id = (SELECT trial_id FROM trials WHERE number = 0)`,
    )
    db.close()
    const text = (await here.tune('explain', '1')).stdout.replaceAll(/\n {4}/g, ' ')
    expect(text).toContain(
      'differs: recomputed from the stored reports, kept: pq 9.1 at step 1 is no worse than 7, the best 1 in 2 of 1',
    )
    expect(text).toContain('1 decision, 1 of them otherwise')
  })

  test('shows what was stored alone where the study file was edited since', async () => {
    const here = await studied()
    here.write('falling.ts', falling.replace('eta: 2', 'eta: 3'))
    const { stdout, code } = await here.tune('explain', '1')
    expect(code).toBe(0)
    expect(stdout).toContain('step 1: stopped by asha')
    expect(stdout).toContain('not recomputed, this is what was stored: falling.ts was edited since')
  })

  test('has nothing to explain of the baseline but that it is one', async () => {
    const here = await studied()
    expect((await here.tune('explain', '0')).stdout).toBe(
      'trial 0 of falling: complete after 4 reports\ntried: the baseline: every default\nthe baseline is never stopped early\n',
    )
  })

  test('does not speak of a pruner where a study has none', async () => {
    const here = workspace()
    await here.tune('tiny.ts', '--slots', '1', '--quiet')
    expect((await here.tune('explain', '0')).stdout).toMatch(/\nits study has no pruner\n$/)
    expect((await here.tune('explain', '1')).stdout).toMatch(/\nits study has no pruner\n$/)
  })
})
