/*
 * How fast the statistics are, and whether they keep what they promise: intervals that cover the truth 95 times in 100,
 * and races that hardly ever stop a candidate that is better on the full set.
 *   npm run bench -- statistics [--sets 1000] [--races 2000] [--quick]
 */
import { parseArgs } from 'node:util'
import { bootstrapDifference } from '../src/eval/bootstrap.ts'
import { influenceDifference, standardError } from '../src/eval/influence.ts'
import { stream } from '../src/rng.ts'
import { simulate, simulatedCategories, type World } from '../test/eval/simulated.ts'
import { coverage, races } from '../test/eval/trials_of_statistics.ts'

const { values } = parseArgs({
  options: {
    sets: { type: 'string', default: '1000' },
    races: { type: 'string', default: '2000' },
    quick: { type: 'boolean', default: false },
  },
})
const [sets, count] = [Number(values.sets), Number(values.races)]
const small = { classes: 8, segments: 6, tail: 0.5 }
const streets = { classes: 19, segments: 8, tail: 0.8 }
const coco = { classes: 133, segments: 6, tail: 0.8 }
const either = { isBimodal: true, spread: [1.2, 1, 0.8] } as const
const crowds = { crowding: 0.7, spread: [0.6, 1.5, 0.5] } as const

measureSpeed()
if (!values.quick) {
  measureCoverage()
  measureRaces()
}

function measureSpeed(): void {
  const [a, b] = worldOf({ ...coco, images: 5000 }, [0.3, 0.27])
  const categories = simulatedCategories(133)
  const bootstrap = median(() => bootstrapDifference(a, b, categories, stream(1), 1000))
  console.log(
    `5000 images x 133 classes, ${(a.classOf.length / 5000).toFixed(1)} classes an image, CPU ms, medians of 7`,
  )
  console.log(`  1000 paired bootstraps, 9 scores  ${bootstrap.toFixed(0)} (at most 500 is asked)`)
  console.log(`  influence, paired difference      ${median(() => influenceDifference(a, b)).toFixed(2)}`)
  const { pq } = bootstrapDifference(a, b, categories, stream(1), 1000).All
  const { standardError: influenced } = influenceDifference(a, b)
  const alone = [a, b].map(standardError)
  console.log(
    `  standard error of the difference  ${pq!.standardError.toFixed(5)} bootstrap, ${influenced.toFixed(5)} influence, ${Math.hypot(...alone).toFixed(5)} were it not paired`,
  )
  if (bootstrap > 500) process.exitCode = 1
}

function measureCoverage(): void {
  console.log(
    `\n95 % intervals that held the truth, in %, of simulated data sets; false alarms: p < 0.05 of equal results`,
  )
  console.log('world           classes  images  sets  PQ     SQ     RQ     Things  Stuff  difference  false alarms')
  const half = Math.ceil(sets / 2)
  const cases = [
    ['small', small, 10, sets],
    ['small', small, 20, sets],
    ['small', small, 60, sets],
    ['easy or hard', { ...small, ...either }, 10, sets],
    ['easy or hard', { ...small, ...either }, 20, sets],
    ['crowds', { ...small, ...crowds }, 10, sets],
    ['crowds', { ...small, ...crowds }, 20, sets],
    ['streets', streets, 20, sets],
    ['streets', streets, 60, sets],
    ['streets', streets, 500, sets],
    ['steep tail', { ...streets, tail: 2 }, 20, sets],
    ['steep tail', { ...streets, tail: 2 }, 200, sets],
    ['coco', coco, 200, half],
    ['coco', coco, 500, half],
    ['coco', coco, 2000, Math.max(300, Math.ceil(sets / 3))],
    ['coco', coco, 5000, 300],
    ['easy or hard', { ...coco, ...either }, 200, half],
    ['crowds', { ...coco, ...crowds }, 200, half],
    ['crowds', { ...coco, ...crowds }, 500, half],
    ['steep tail', { ...coco, tail: 1.2 }, 200, half],
    ['steep tail', { ...coco, tail: 1.2 }, 500, half],
  ] as const
  for (const [name, kind, images, sets] of cases) {
    const options = { images, sets, resamples: 300, seed: images }
    const { covered } = coverage(worldOf({ ...kind, images: 20_000 }, [0.3, 0.2]), options)
    const equal = coverage(worldOf({ ...kind, images: 20_000 }, [0.3, 0.3]), options)
    // Equal in strength, and yet not on these 20 000 images: what is false is an interval that leaves out their difference.
    const alarms = sets - equal.covered['All pq difference']!
    const scores = ['All pq', 'All sq', 'All rq', 'Things pq', 'Stuff pq', 'All pq difference']
    const shares = [...scores.map((score) => covered[score]! / sets), alarms / sets]
    const cells = shares.map((share, i) => (100 * share).toFixed(1).padEnd([5, 5, 5, 6, 5, 10, 0][i]!))
    console.log([name.padEnd(14), String(kind.classes).padEnd(7), String(images).padEnd(6), String(sets).padEnd(4), ...cells].join('  ')) // prettier-ignore
  }
}

function measureRaces(): void {
  console.log(`\nraces against the best so far, stopped beyond 3.3 standard errors`)
  console.log('classes  images  gap     races  better  wrongly stopped  stopped  images scored')
  for (const [kind, images, races] of [
    [small, 64, count],
    [streets, 500, count],
    [coco, 5000, Math.max(500, Math.ceil(count / 4))],
  ] as const) {
    for (const gap of [-0.02, 0, 0.02, 0.05, 0.2, 0.4]) race(kind, images, gap, races)
  }
}

function race(kind: Omit<World, 'images' | 'seed'>, images: number, gap: number, count: number): void {
  const world = worldOf({ ...kind, images: 20_000 }, [0.3, 0.3 - gap])
  const { better, wrong, stopped, scored } = races(world, { images, races: count, seed: images })
  console.log(
    `${String(kind.classes).padEnd(8)} ${String(images).padEnd(7)} ${String(gap).padEnd(6)}  ${String(count).padEnd(5)}  ${String(better).padEnd(6)}  ${String(wrong).padEnd(15)}  ${((100 * stopped) / count).toFixed(0).padStart(3)} %    ${(100 * scored).toFixed(0).padStart(3)} %`,
  )
}

function worldOf(world: Omit<World, 'seed'>, strengths: readonly [number, number]) {
  const [a, b] = simulate({ ...world, seed: 7 }, strengths)
  return [a!, b!] as const
}

function median(work: () => unknown): number {
  const times = Array.from({ length: 7 }, () => {
    const start = process.cpuUsage()
    work()
    const { user, system } = process.cpuUsage(start)
    return (user + system) / 1000
  })
  return times.toSorted((a, b) => a - b)[3]!
}
