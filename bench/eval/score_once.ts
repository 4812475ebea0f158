/*
 * Scores a folder by so many workers in a process of its own. Prints wall milliseconds, CPU milliseconds of all threads
 * and of this one (0 where /proc is missing), the most memory in MB, and PQ.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { scoreFiles } from '../../src/eval/panoptic_files.ts'
import { emptyCounts, merge, panopticQuality } from '../../src/eval/pq.ts'

const [dir = '', workers = '1'] = process.argv.slice(2)
const start = performance.now()
const { categories, images } = await scoreFiles(
  {
    truthJson: join(dir, 'gt.json'),
    truthDir: join(dir, 'gt'),
    predictionJson: join(dir, 'pred.json'),
    predictionDir: join(dir, 'pred'),
  },
  { cacheDir: join(dir, 'cache'), workers: Number(workers), worker: new URL('./score_worker.mjs', import.meta.url) },
)
const ms = performance.now() - start
const total = images.map(({ counts }) => counts).reduce(merge, emptyCounts(categories))
const { user, system } = process.cpuUsage()
const cpu = (user + system) / 1000
const megabytes = process.resourceUsage().maxRSS / 1024
const { pq } = panopticQuality(total, categories).All
console.log(JSON.stringify({ ms, cpu, main: mainCpuMs(), megabytes, pq }))

/** Of the main thread; the kernel counts in hundredths of a second, in the 14th and 15th field. */
function mainCpuMs(): number {
  const file = `/proc/self/task/${process.pid}/stat`
  if (!existsSync(file)) return 0
  const fields = readFileSync(file, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ')
  return 10 * (Number(fields[11]) + Number(fields[12]))
}
