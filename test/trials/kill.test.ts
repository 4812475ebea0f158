import Database from 'better-sqlite3'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { studiesFile } from '../../src/results.ts'
import { stream } from '../../src/rng.ts'
import { openSqliteStore } from '../../src/store/sqlite.ts'
import { hasEnded, type Trial } from '../../src/trial.ts'
import { temporaryDir } from '../temporary.ts'

const TRIALS = 14
const KILLS = 5

const script = fileURLToPath(new URL('../fixtures/run_study.js', import.meta.url))

/** Runs a study in a process of its own; kills it at an event, or lets it end. */
async function run(name: string, results: string, slots: number, killAt = Infinity): Promise<void> {
  const study = fileURLToPath(new URL(`../fixtures/studies/${name}.ts`, import.meta.url))
  const child = spawn(process.execPath, [script, study, results, String(slots)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exit = once(child, 'exit')
  let events = 0
  for await (const _ of createInterface(child.stdout)) if (++events === killAt) child.kill('SIGKILL')
  expect(await exit).toEqual(killAt === Infinity ? [0, null] : [null, 'SIGKILL'])
}

function trialsIn(results: string): readonly Trial[] {
  const store = openSqliteStore(results)
  const [stored] = store.list()
  store.close()
  return stored?.history.trials ?? []
}

function query(results: string, sql: string): readonly unknown[] {
  const db = new Database(studiesFile(results), { readonly: true })
  try {
    return db.prepare(sql).all()
  } finally {
    db.close()
  }
}

/** What a trial came to, but for when. */
function result({ number, params, seed, reports, outcome }: Trial): unknown {
  return { number, params, seed, outcome, metrics: reports.map(({ metrics }) => metrics) }
}

describe.skipIf(!existsSync(new URL('../../dist/trials/worker.js', import.meta.url)))(
  'a study whose process is killed again and again',
  () => {
    test.each([
      ['slow_reports', 1],
      ['slow_reports', 2],
      ['promoted_reports', 1],
      ['promoted_reports', 2],
    ])('loses no trial, runs none twice and spends its budget exactly: %s, with %i slots', async (name, slots) => {
      const chance = stream(slots, 'kills')
      const results = temporaryDir()
      let kept: readonly Trial[] = []
      for (let kill = 0; kill < KILLS; kill++) {
        await run(name, results, slots, 1 + chance.below(14))
        const trials = trialsIn(results)
        expect(query(results, 'PRAGMA integrity_check')).toEqual([{ integrity_check: 'ok' }])
        expect(trials.filter(({ outcome }) => outcome.state === 'running')).toEqual([])
        // What had ended is as it was, its times too: it was not run again.
        expect(kept.map(({ number }) => trials[number])).toEqual(kept)
        kept = trials.filter(hasEnded)
      }
      expect(kept.length).toBeGreaterThan(0)
      expect(kept.length).toBeLessThan(TRIALS)
      await run(name, results, slots)

      const trials = trialsIn(results)
      expect(trials.map(({ number }) => number)).toEqual(Array.from({ length: TRIALS }, (_, number) => number))
      expect(trials.every(hasEnded)).toBe(true)
      expect(query(results, "SELECT number FROM trials WHERE state IN ('RUNNING', 'WAITING')")).toEqual([])
      if (slots > 1) return
      const undisturbed = temporaryDir()
      await run(name, undisturbed, 1)
      expect(trials.map(result)).toEqual(trialsIn(undisturbed).map(result))
    })
  },
)
