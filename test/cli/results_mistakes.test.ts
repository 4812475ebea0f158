import Database from 'better-sqlite3'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { canMount, mount, remount } from './mount.ts'
import { mistake, mistakeOf, workspace, type Workspace } from './tune.ts'

/** A directory where a study of two trials is stored. */
async function stored(): Promise<Workspace> {
  const place = workspace()
  mkdirSync(join(place.dir, 'results'))
  expect((await place.tune('tiny.ts', '--slots', '1', '--trials', '2')).code).toBe(0)
  return place
}

const mayMount = canMount()
if (!mayMount) console.warn('no file system can be mounted here: full and read-only disks are not tested')

describe('a results directory that cannot be used is one message, and what is stored there stays readable:', () => {
  // It waits ten seconds, in case the other is soon done.
  test('another process holds the database', async () => {
    const { dir, tune } = await stored()
    const holder = new Database(join(dir, 'results/studies.sqlite'))
    onTestFinished(() => void holder.close())
    holder.exec('BEGIN EXCLUSIVE')
    expect(mistakeOf(await tune('tiny.ts', '--trials', '3'))).toEqual(
      mistake('store/locked', /studies\.sqlite is held by another process/, /end the program/),
    )
    expect(JSON.parse((await tune('list', '--json')).stdout)).toHaveLength(2)
  })

  test('its database is none', async () => {
    const { tune, write } = workspace()
    write('results/studies.sqlite', 'dear diary, '.repeat(100))
    for (const words of [['tiny.ts'], ['list'], ['resume', 'tiny'], []]) {
      expect(mistakeOf(await tune(...words))).toEqual(
        mistake('store/invalid', /results\/studies\.sqlite is no database/, /--results DIR/),
      )
    }
  })

  test('a file stands in its place', async () => {
    const { dir, tune } = workspace()
    writeFileSync(join(dir, 'taken'), '')
    expect(mistakeOf(await tune('tiny.ts', '--results', 'taken'))).toEqual(
      mistake('results/unwritable', /taken.* cannot be written/, /--results DIR/),
    )
  })

  test.skipIf(!mayMount)('it is read-only', async () => {
    const { dir, tune } = await stored()
    mount(join(dir, 'results'), '--bind', join(dir, 'results'))
    remount(join(dir, 'results'), 'ro,bind')
    expect(mistakeOf(await tune('tiny.ts', '--trials', '3'))).toEqual(
      mistake('results/unwritable', /^results\/.* cannot be written/, /./),
    )
    expect(JSON.parse((await tune('list', '--json')).stdout)).toHaveLength(2)
    expect((await tune('best', '--yaml')).stdout).toMatch(/^study: tiny$/m)
  })

  test.skipIf(!mayMount)('its disk is full; with more room the same command goes on', async () => {
    const { dir, tune } = workspace()
    mkdirSync(join(dir, 'small'))
    mount(join(dir, 'small'), '-t', 'tmpfs', '-o', 'size=1m', 'none')
    const full = await tune('tiny.ts', '--results', 'small', '--trials', '300', '--quiet')
    expect(mistakeOf(full)).toEqual(mistake('results/unwritable', /small\//, /free some space.*same command continues/))
    const trials = JSON.parse((await tune('list', '--json', '--results', 'small')).stdout) as { state: string }[]
    const complete = trials.filter(({ state }) => state === 'complete').length
    expect(complete).toBeGreaterThan(3)
    expect(trials.length - complete).toBeLessThanOrEqual(4)

    remount(join(dir, 'small'), 'size=8m')
    const more = String(complete + 10)
    expect((await tune('tiny.ts', '--results', 'small', '--trials', more, '--quiet')).code).toBe(0)
    expect(JSON.parse((await tune('list', '--json', '--results', 'small')).stdout)).toHaveLength(complete + 10)
  })
})
