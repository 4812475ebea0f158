/*
 * A storm of kill -9 over real trainings: drivers, worker processes, or both, at random moments. Nothing may be lost,
 * doubled or left running, and with one slot the results are those of a run that nobody disturbed, to the bit.
 *   npm run storm -- [--kills 200] [--trials 40] [--seed 1]
 */
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { cacheDir } from '../src/results.ts'
import { stream } from '../src/rng.ts'
import { countKills, ended, resultOf, start, storm, trialsIn, type Damage, type Place } from '../test/storm/storm.ts'

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '200' },
    trials: { type: 'string', default: '40' },
    seed: { type: 'string', default: '1' },
  },
})
const [kills, trials, seed] = [values.kills, values.trials, values.seed].map(Number) as [number, number, number]
const study = 'short_training'
const base = mkdtempSync(join(tmpdir(), 'panoptune-storm-'))
const place: Place = { cli: 'dist/cli.js', file: `test/fixtures/studies/${study}.ts`, study, results: join(base, 'calm'), slots: 1, trials, executor: 'processes' } // prettier-ignore

const { code, errors } = await ended(start(place))
if (code !== 0) throw new Error(`the undisturbed run ended with exit code ${code}: ${errors}`)
const calm = JSON.stringify(trialsIn(place.results, study).map(resultOf))

const total = { driver: 0, worker: 0, both: 0 }
const faults: string[] = []
const killed = () => total.driver + total.worker + total.both
const ways = (['processes', 'threads'] as const).flatMap((executor) => [1, 2].map((slots) => ({ executor, slots })))
for (let round = 0; killed() < kills; round++) {
  const way = ways[round % ways.length]!
  const results = join(base, String(round))
  cpSync(cacheDir(place.results), cacheDir(results), { recursive: true })
  const chance = stream(seed, 'storm', round)
  const damage = await storm({ ...place, ...way, results, chance, patienceMs: 4000 }, Math.min(kills - killed(), 50))
  const stored = trialsIn(results, study)
  if (stored.length !== trials) faults.push(`${stored.length} trials, of a budget of ${trials}`)
  const isSame = JSON.stringify(stored.map(resultOf)) === calm
  if (way.slots === 1 && !isSame) faults.push(`round ${round}: the results are not those of an undisturbed run`)
  for (const victim of ['driver', 'worker', 'both'] as const) total[victim] += damage.kills[victim]
  faults.push(...damage.faults)
  console.log(lineOf(round, way, damage, way.slots === 1 ? (isSame ? 'the same results' : 'OTHER RESULTS') : ''))
}
console.log(
  `${killed()} kills: ${total.driver} of the driver, ${total.worker} of a worker, ${total.both} of both; ${faults.length} faults`,
)
for (const fault of faults) console.log(`FAULT ${fault}`)
if (faults.length > 0) process.exitCode = 1
else rmSync(base, { recursive: true })

function lineOf(round: number, { executor, slots }: (typeof ways)[number], damage: Damage, same: string): string {
  const { runs, faults: found } = damage
  return `round ${round}: ${slots} ${executor}, ${countKills(damage)} kills in ${runs} runs, ${found.length} faults ${same}`.trimEnd()
}
