import { random } from '../../src/search/random.ts'
import type { Sampler } from '../../src/search/sampler.ts'
import { choice, int, logint, loguniform, spaceSpec, uniform, type Values } from '../../src/space.ts'
import { openSqliteStore } from '../../src/store/sqlite.ts'
import type { StudyStore } from '../../src/store/store.ts'
import { defineStudy, minimize } from '../../src/study.ts'
import { choose } from '../../src/trials/choose.ts'
import { suggest } from '../../src/trials/suggest.ts'

/** As the Optuna baseline has it: four linear numbers, one of them stepped, two on a log scale, two whole, two choices. */
export const space = {
  x0: uniform(0, 1),
  x1: uniform(-5, 5),
  x2: uniform(0, 100),
  x3: uniform(0, 1, { step: 0.1 }),
  lr: loguniform(1e-5, 1e-1),
  decay: loguniform(1e-8, 1e-2),
  layers: int(1, 12),
  width: logint(8, 1024),
  optimizer: choice('sgd', 'adam', 'rmsprop'),
  block: choice('a', 'b', 'c', 'd', 'e'),
}

const study = defineStudy({
  name: 'ask',
  goal: minimize('loss'),
  space,
  budget: { trials: 1e6 },
  async *objective() {
    yield { loss: 0 }
  },
})

/** The study, opened in a directory of results. */
export function openBench(dir: string): { readonly trials: StudyStore; readonly close: () => void } {
  const store = openSqliteStore(dir)
  const { name, goals, constraints, space, settings, seed } = study
  const record = { name, goals, constraints, space: spaceSpec(space), settings, seed, steps: null, codeHash: '' }
  return { trials: store.open(record), close: () => store.close() }
}

/** Milliseconds that something took: by the clock, and of this process alone. */
export interface Time {
  readonly wall: number
  readonly cpu: number
}

export function timed(work: () => void): Time {
  const [from, before] = [performance.now(), process.cpuUsage()]
  work()
  const { user, system } = process.cpuUsage(before)
  return { wall: performance.now() - from, cpu: (user + system) / 1000 }
}

/** One suggestion, from the question to the stored result. */
export function askAndTell(trials: StudyStore, sampler: Sampler): void {
  const progress = {
    study,
    history: trials.history(),
    isStopping: false,
    endedNow: [],
    seconds: 0,
    runningSeconds: 0,
    earlier: [],
  }
  const chosen = choose({ ...progress, advise: (history, number) => suggest(study, sampler, history, number) })
  if (typeof chosen === 'string' || chosen instanceof Promise) throw new Error('there is no trial to run')
  const { number, params } = trials.start({ ...chosen, device: { kind: 'cpu', index: 0, threads: 1 } })
  const loss = lossOf(params as Values<typeof space>)
  trials.report(number, { step: 1, metrics: { loss }, at: 0 })
  trials.finish(number, { state: 'complete' })
}

export function lossOf({ x0, x1, lr }: Values<typeof space>): number {
  return (x0 - 0.3) ** 2 + (x1 / 10) ** 2 + (Math.log10(lr) + 3) ** 2
}

/** Runs trials at random until there are so many. */
export function fillTo(trials: StudyStore, count: number): void {
  const sampler = random()
  for (let n = trials.history().trials.length; n < count; n++) askAndTell(trials, sampler)
}
