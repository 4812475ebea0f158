/*
 * The store under load: workers that report to one driver's store while others read the file.
 *   npm run bench -- store [--workers 64] [--rate 100] [--seconds 20] [--reports 200]
 * Each worker is a thread that sends so many reports a second; a trial ends after `reports` of them and another starts.
 * Meanwhile two processes poll all studies, as `tune status --json` does, and Optuna reads its study, where Python has it
 * ($PYTHON, default /usr/bin/python3, and $PYTHONPATH). Fails on an error of a lock, on a report that is not in the file at
 * the end, and where the driver's event loop was blocked for more than 50 ms in its own work.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { measureDisk, measureHistory } from './store/costs.ts'
import { load } from './store/load.ts'
import { readUntilKilled } from './store/reader.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    workers: { type: 'string', default: '64' },
    rate: { type: 'string', default: '100' },
    seconds: { type: 'string', default: '20' },
    reports: { type: 'string', default: '200' },
  },
})

if (positionals[0] === 'read') await readUntilKilled(positionals[1]!)
else await main()

async function main(): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'panoptune-store-'))
  try {
    measureDisk(join(dir, 'disk'))
    measureHistory(join(dir, 'history'), 10_000)
    const [workers, rate, seconds, reports] = [values.workers, values.rate, values.seconds, values.reports].map(Number)
    const isGood = await load(join(dir, 'load'), { workers, rate, seconds, reports } as Parameters<typeof load>[1])
    process.exitCode = isGood ? 0 : 1
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}
