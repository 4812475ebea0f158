import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { compareCommand } from '../../src/cli/compare.ts'
import { saveCounts } from '../../src/eval/counts_file.ts'
import { pickImages } from '../../src/eval/image_statistics.ts'
import { ensureDir, trialDir } from '../../src/results.ts'
import { openSqliteStore } from '../../src/store/sqlite.ts'
import { record, start } from '../contracts/store.ts'
import { simulate, simulatedCategories } from '../eval/simulated.ts'
import { temporaryDir } from '../temporary.ts'

test('two trials are compared by what they kept: splits, classes and the params that differ', async () => {
  const results = study()
  const text = await compare(results, '1', '0')
  expect(text).toMatch(/^trial 1 against trial 0 of weights on 80 images \(val\)\n/)
  expect(text).toMatch(/^PQ +trial 1 +trial 0 +difference +95 % +p\nAll +\d+\.\d +\d+\.\d +\+\d+\.\d +\+\d+\.\d to \+\d+\.\d +(<0|0)\.0\d+\n/m) // prettier-ignore
  expect(text).toMatch(/^class PQ +trial 1 +trial 0 +difference\nclass \d/m)
  expect(text).toMatch(/^param +trial 1 +trial 0\ndepth +4 +3$/m)
})

test('--json gives both scores, the difference and its interval, and --on other images', async () => {
  const results = study()
  const report = JSON.parse(await compare(results, '1', '0', '--json', '--on', 'held_out', '--study', 'weights'))
  expect(report).toMatchObject({ study: 'weights', on: 'held_out', images: 40, trials: [1, 0], params: [{ name: 'depth', values: [4, 3] }] }) // prettier-ignore
  const { difference, low, high } = report.differences.All.pq
  expect(difference).toBeCloseTo(report.quality[0].All.pq - report.quality[1].All.pq, 12)
  expect(low).toBeLessThan(difference)
  expect(high).toBeGreaterThan(difference)
})

test('what cannot be compared is said with the trial, the file and what to do', async () => {
  const results = study()
  await expect(compare(results, '1', '7')).rejects.toMatchObject({ code: 'usage', message: /no trial 7/ })
  await expect(compare(results, '1', '2')).rejects.toMatchObject({ code: 'data/missing', message: /trial 2 of weights kept no counts .* 'val'/ }) // prettier-ignore
  writeFileSync(join(trialDir(results, 'weights', 0), 'val.counts'), 'PQST and nothing')
  await expect(compare(results, '1', '0')).rejects.toMatchObject({ code: 'data/invalid', message: /0000.val\.counts/ })
  await expect(compare(results, '1', '0', '--study', 'none')).rejects.toMatchObject({ code: 'study/unknown' })
})

test('trials of other images are not paired', async () => {
  const results = study()
  keep(results, 0, 'val', 30, 0.3)
  await expect(compare(results, '1', '0')).rejects.toMatchObject({ message: /trial 1 and trial 0 .* 80 images against 30/ }) // prettier-ignore
})

/** Two trials that kept counts, and one that failed before it had any. */
function study(): string {
  const results = temporaryDir()
  const store = openSqliteStore(results)
  const opened = store.open(record)
  for (const params of [start.params, { ...start.params, depth: 4 }, start.params]) {
    const { number } = opened.start({ ...start, params })
    opened.report(number, { step: 1, metrics: { pq: 50 }, at: 1 })
    opened.finish(number, { state: 'complete' })
  }
  store.close()
  for (const [trial, strength] of [0.1, 0.5].entries()) {
    keep(results, trial, 'val', 80, strength)
    keep(results, trial, 'held_out', 40, strength)
  }
  return results
}

function keep(results: string, trial: number, name: string, images: number, strength: number): void {
  // Both of one world, so that they are of the same images.
  const [statistics] = simulate({ images: 80, classes: 6, segments: 4, tail: 0.5, seed: 1 }, [strength])
  const imageIds = Array.from({ length: images }, (_, i) => i)
  const dir = ensureDir(trialDir(results, 'weights', trial))
  const stored = { set: name, categories: simulatedCategories(6), imageIds, statistics: pickImages(statistics!, imageIds) } // prettier-ignore
  saveCounts(join(dir, `${name}.counts`), stored)
}

async function compare(results: string, ...words: readonly string[]): Promise<string> {
  const printed: string[] = []
  await compareCommand((text) => printed.push(text)).parseAsync([...words, '--results', results], { from: 'user' })
  return printed.join('')
}
