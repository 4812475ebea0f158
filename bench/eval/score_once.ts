/* Scores a folder by so many workers in a process of its own; prints wall milliseconds, the most memory, and PQ. */
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { scoreFiles } from '../../src/eval/panoptic_files.ts'
import { emptyCounts, merge, panopticQuality } from '../../src/eval/pq.ts'

const [dir = '', workers = '1', cache = 'cache'] = process.argv.slice(2)
const start = performance.now()
const { categories, images } = await scoreFiles(
  {
    truthJson: join(dir, 'gt.json'),
    truthDir: join(dir, 'gt'),
    predictionJson: join(dir, 'pred.json'),
    predictionDir: join(dir, 'pred'),
  },
  {
    ...(cache === 'cache' && { cacheDir: join(dir, 'cache') }),
    workers: Number(workers),
    worker: new URL('./score_worker.mjs', import.meta.url),
  },
)
const ms = performance.now() - start
const total = images.map(({ counts }) => counts).reduce(merge, emptyCounts(categories))
const megabytes = process.resourceUsage().maxRSS / 1024
console.log(JSON.stringify({ ms, megabytes, pq: panopticQuality(total, categories).All.pq }))
