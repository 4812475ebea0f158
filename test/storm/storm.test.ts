import { cpSync, existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { cacheDir } from '../../src/results.ts'
import { stream } from '../../src/rng.ts'
import { temporaryDir } from '../temporary.ts'
import { countKills, ended, resultOf, start, storm, trialsIn, type Place } from './storm.ts'

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url))
const cli = path('../../dist/cli.js')
const study = 'short_training'

// In full: npm run storm
test.skipIf(!existsSync(cli))(
  'real trainings whose driver and worker processes are killed at random give what an undisturbed run gives, to the bit',
  async () => {
    const file = path(`../fixtures/studies/${study}.ts`)
    const calm: Place = { cli, file, study, results: temporaryDir(), slots: 1, trials: 4, executor: 'processes' }
    expect(await ended(start(calm))).toEqual({ code: 0, errors: '' })
    const results = temporaryDir()
    cpSync(cacheDir(calm.results), cacheDir(results), { recursive: true })
    const damage = await storm({ ...calm, results, chance: stream(3, 'storm'), patienceMs: 3000 }, 8)
    expect(damage.faults).toEqual([])
    expect(countKills(damage)).toBeGreaterThan(0)
    expect(trialsIn(results, study).map(resultOf)).toEqual(trialsIn(calm.results, study).map(resultOf))
  },
  300_000,
)
