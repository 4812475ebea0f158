import Database from 'better-sqlite3'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { mistake, mistakeOf, tinyStudy, workspace } from './tune.ts'

/** A workspace with a file that Optuna 3.1.0 wrote. */
function withOptunaFile(study?: string) {
  const space = workspace(study === undefined ? {} : { 'tiny.ts': study })
  const db = new Database(join(space.dir, 'old.db'))
  db.exec(readFileSync(new URL('../fixtures/optuna_3_1.sql', import.meta.url), 'utf8'))
  db.close()
  return space
}

test('tune import takes a study of Optuna as one of ours, and not twice', async () => {
  const { tune } = withOptunaFile()
  const { code, stdout } = await tune('import', 'optuna:old.db')
  expect([code, stdout]).toEqual([
    0,
    "took 8 trials into 'old'\n  1 not taken: it has not ended\nsee them by: tune list --study old\n",
  ])
  const list = JSON.parse((await tune('list', '--json')).stdout) as { trial: number; state: string; params: object }[]
  expect(list.map(({ state }) => state)).toEqual(['complete', 'complete', 'complete', 'pruned', 'failed', 'complete', 'complete', 'complete']) // prettier-ignore
  expect(list[1]?.params).toEqual({ lr: 0.003864291653552654, n: 5, c: 3, u: 0.75 })
  expect(mistakeOf(await tune('import', 'optuna', 'old.db'))).toEqual(mistake('usage', /stored here already/, /--into old/)) // prettier-ignore
  const again = JSON.parse((await tune('import', 'optuna:old.db', '--into', 'old', '--json')).stdout) as object
  expect(again).toEqual({ study: 'old', taken: 0, refused: { 'it was imported before': 8, 'it has not ended': 1 } })
})

test('tune import gives a study file its first trials: they count, and its baseline is run first', async () => {
  const study = tinyStudy(`
    goal: maximize('value'),
    space: { lr: loguniform(1e-3, 1, { default: 0.01 }), n: choice(1, 5, 7, 9), c: choice(null, 3, 2.5), u: uniform(0, 1) },
    budget: { trials: 11 },
    async *objective({ lr }) { yield { value: lr } },
  `)
  const { tune } = withOptunaFile(study)
  const { code, stdout } = await tune('import', 'optuna:old.db', '--into', 'tiny.ts')
  expect([code, stdout.split('\n')[0]]).toEqual([0, "took 8 trials into 'tiny'"])
  expect((await tune('run', 'tiny.ts', '--quiet')).code).toBe(0)
  const list = JSON.parse((await tune('list', '--json')).stdout) as { trial: number; params: { lr: number } }[]
  expect(list).toHaveLength(11)
  expect(list[0]?.params.lr).toBe(0.01)
})

test('tune import takes rows of a CSV file, as tune export and as others write it', async () => {
  const { tune, write } = withOptunaFile()
  await tune('import', 'optuna:old.db')
  const csv = (await tune('export', '--csv', '--study', 'old')).stdout
  write('ours.csv', csv)
  write('wandb.csv', '"Name","State","Runtime","lr","n","c","u","value","epoch"\n"calm-1","finished","5","0.5","3","a","0.5","0.25","3"\n"calm-2","running","5","0.5","3","a","0.5","","3"\n"calm-3","crashed","5","0.5","3","A","0.5","NaN","3"\n') // prettier-ignore
  await tune('import', 'optuna:old.db', '--as', 'copy')
  const ours = JSON.parse((await tune('import', 'csv:ours.csv', '--into', 'copy', '--json')).stdout) as object
  expect(ours).toEqual({ study: 'copy', taken: 8, refused: {} })
  const theirs = JSON.parse((await tune('import', 'csv', 'wandb.csv', '--into', 'copy', '--json')).stdout) as object
  expect(theirs).toEqual({ study: 'copy', taken: 2, refused: { 'its state is running': 1 } })
})

test.each([
  [['import', 'old.db'], 'usage', /where from is not said/],
  [['import', 'csv:old.db'], 'usage', /does not say what its columns are/],
  [['import', 'optuna:none.db'], 'data/missing', /none\.db is no file/],
  [['import', 'optuna:tiny.ts'], 'data/invalid', /cannot be read as a study of Optuna/],
  [['import', 'optuna:old.db', '--study', 'new'], 'study/unknown', /no study 'new'/],
  [['import', 'optuna:old.db', '--as', '../up'], 'usage', /cannot be the name/],
  [['import', 'csv:odd.csv', '--into', 'tiny.ts'], 'data/invalid', /no column for the goal 'pq'/],
] as const)('%j says what is wrong', async (words, code, message) => {
  const { tune, write } = withOptunaFile(tinyStudy())
  write('odd.csv', 'lr,loss\n1,2\n')
  expect(mistakeOf(await tune(...words))).toMatchObject({ code, message: expect.stringMatching(message), hasStack: false, isAll: true }) // prettier-ignore
})
