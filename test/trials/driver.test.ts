import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { TuneError } from '../../src/errors.ts'
import type { StudyEvent } from '../../src/event.ts'
import { trialDir } from '../../src/results.ts'
import { seedFor } from '../../src/rng.ts'
import { asha } from '../../src/search/asha.ts'
import type { Pruner } from '../../src/search/pruner.ts'
import type { Sampler } from '../../src/search/sampler.ts'
import { choice, uniform } from '../../src/space.ts'
import { openMemoryStore } from '../../src/store/memory.ts'
import type { Store } from '../../src/store/store.ts'
import { defineStudy, maximize, minimize, type Study, type TrialContext } from '../../src/study.ts'
import { hasEnded, lineOf, type Trial } from '../../src/trial.ts'
import { runStudy, type StudyEnd } from '../../src/trials/driver.ts'
import type { StudyRun } from '../../src/trials/session.ts'
import type { AdviceThread } from '../../src/trials/adviser.ts'
import type { Executor } from '../../src/trials/executor.ts'
import { suggest } from '../../src/trials/suggest.ts'
import { slots } from '../contracts/executor.ts'
import { tickingClock } from '../contracts/store.ts'
import { temporaryDir } from '../temporary.ts'

type Params = { readonly x: number; readonly net: string }
type Objective = (params: Params, trial: TrialContext) => AsyncIterable<unknown>

/** Yields as many reports as it may, at most nine. */
async function* nineReports({ x }: Params, { maxSteps }: TrialContext) {
  for (let step = 1; step <= Math.min(9, maxSteps); step++) yield { pq: x * step }
}

function studyOf(objective: Objective, change: Partial<Study> = {}): Study {
  const study = defineStudy({
    name: 'tiny',
    goal: maximize('pq'),
    space: { x: uniform(0, 1), net: choice('a', 'b') },
    budget: { trials: 4, steps: 3 },
    seed: 3,
    objective: objective as never,
  })
  return { ...study, ...change }
}

/** Runs the objective of a study that has no module. */
function direct(study: Study, count: 1 | 2): Executor {
  return {
    slots: slots.slice(0, count),
    data: 'itself',
    run: ({ params, ...job }, _, signal) => study.objective(params as never, { ...job, signal } as never),
    close: async () => undefined,
  }
}

const chance: Sampler = {
  name: 'chance',
  suggest: ({ dims }, rng) => ({ point: dims.map(() => rng.uniform()), reason: 'at random' }),
}

interface Ran extends StudyEnd {
  readonly trials: readonly Trial[]
  readonly events: readonly StudyEvent[]
}

async function run(study: Study, change: Partial<StudyRun> & { readonly slots?: 1 | 2 } = {}): Promise<Ran> {
  const { slots: count = 1, store = openMemoryStore(), onEvent, ...rest } = change
  const events: StudyEvent[] = []
  try {
    const end = await runStudy({
      study,
      url: 'none:',
      codeHash: 'abc',
      store,
      executor: direct(study, count),
      sampler: chance,
      results: temporaryDir(),
      clock: tickingClock(),
      signal: new AbortController().signal,
      onEvent: (event) => {
        events.push(event)
        onEvent?.(event)
      },
      ...rest,
    })
    return { ...end, trials: end.history.trials, events }
  } finally {
    store.close()
  }
}

const outcomes = ({ trials }: Ran) => trials.map(({ outcome }) => outcome)
const states = (ran: Ran) => outcomes(ran).map(({ state }) => state)

describe('a run', () => {
  test('starts with the baseline and the first points, then takes what the sampler suggests', async () => {
    const first = [{ x: 0.25, net: 'b' }]
    const { why, trials } = await run(studyOf(nineReports, { first }))
    expect(why).toBe('budget')
    expect(trials.map(({ number }) => number)).toEqual([0, 1, 2, 3])
    expect(trials[0]?.params).toEqual({ x: 0.5, net: 'a' })
    expect(trials[1]?.params).toEqual(first[0])
    expect(trials[2]?.params).not.toEqual(trials[3]?.params)
    expect(trials.map(({ seed }) => seed)).toEqual([0, 1, 2, 3].map((number) => seedFor(3, 'trial', number)))
  })

  test('prefers the sampler that its study names', async () => {
    const still: Sampler = { name: 'still', suggest: () => ({ point: [0.75, 0.75], reason: 'as always' }) }
    const { trials } = await run(studyOf(nineReports, { sampler: still }))
    expect(trials.at(-1)?.params).toEqual({ x: 0.75, net: 'b' })
  })

  test('spends its budget exactly, with two slots too', async () => {
    const ran = await run(studyOf(nineReports, { budget: { trials: 7, steps: 2 } }), { slots: 2 })
    expect(states(ran)).toEqual(Array.from({ length: 7 }, () => 'complete'))
    const started = ran.events.flatMap((event) => (event.kind === 'trial-started' ? [event.slot] : []))
    expect(new Set(started)).toEqual(new Set([0, 1]))
  })

  test('spends its budget exactly where suggestions are worked out beside it, and no slot waits for one that is ready', async () => {
    const slow: Sampler = {
      name: 'slow',
      suggest: (history, rng) => {
        const until = performance.now() + 15
        while (performance.now() < until);
        return chance.suggest(history, rng)
      },
    }
    const study = studyOf(nineReports, { sampler: slow, budget: { trials: 9, steps: 3 } })
    const asked: number[] = []
    let isClosed = false
    const openAdviceThread = (): AdviceThread => ({
      ask: async (history, number) => {
        asked.push(number)
        await new Promise((resolve) => setImmediate(resolve))
        return suggest(study, slow, history, number)
      },
      close: async () => void (isClosed = true),
    })
    const { why, trials } = await run(study, { slots: 2, openAdviceThread })
    expect([why, trials.length, isClosed]).toEqual(['budget', 9, true])
    expect(asked).toEqual([2, 3, 4, 5, 6, 7, 8])
    const alone = await run(study, { slots: 1, openAdviceThread })
    expect(alone.trials.map(({ params }) => params)).toEqual((await run(study)).trials.map(({ params }) => params))
    expect(asked).toHaveLength(7)
  })

  test('hands trials what their study derives from their params, and keeps it with them', async () => {
    const seen: unknown[] = []
    async function* look(params: Params) {
      seen.push(params)
      yield { pq: 1 }
    }
    const derive = ({ x }: Params) => ({ half: x / 2, layers: [1, 2] })
    const { trials } = await run(studyOf(look, { derive, budget: { trials: 2 } }))
    expect(trials[0]).toMatchObject({ params: { x: 0.5, net: 'a' }, derived: { half: 0.25, layers: [1, 2] } })
    expect(seen).toEqual(trials.map(({ params, derived }) => ({ ...params, ...derived })))
  })

  test.each([
    [() => 3, 'derive gives 3, no object of values'],
    [() => ({ x: 1 }), "derive gives 'x', which is a parameter already"],
    [() => ({ y: Number.NaN }), "derive gives 'y' as NaN, which cannot be stored"],
    [() => ({ y: () => 1 }), "derive gives 'y' as () => 1, which cannot be stored"],
  ])('that derives by %s is refused', async (derive, message) => {
    await expect(run(studyOf(nineReports, { derive: derive as never }))).rejects.toMatchObject({
      code: 'study/invalid',
      message: `tiny: ${message}`,
    })
  })

  test('starts from the trials of another study that fit its space, and resumes with those alone', async () => {
    const clock = tickingClock()
    const store = openMemoryStore({ clock })
    const other = studyOf(nineReports, {
      name: 'other',
      space: { x: uniform(0, 2, { default: 0.5 }) },
      sampler: chance,
    })
    const { trials } = await run(other, { store, clock })
    const fitting = trials.filter(({ params }) => Number(params['x']) <= 1)
    expect(fitting.length).toBeGreaterThan(0)
    const seen: (readonly Trial[])[] = []
    const sampler: Sampler = {
      name: 'watching',
      suggest: (history, rng) => {
        seen.push(history.trials.filter(({ number }) => number < 0))
        return chance.suggest(history, rng)
      },
    }
    const study = studyOf(nineReports, { startFrom: 'other', sampler, budget: { trials: 2, steps: 1 } })
    const first = await run(study, { store, clock })
    expect(first.trials.map(({ number }) => number)).toEqual([0, 1])
    const params = fitting.map((trial) => ({ net: 'a', ...trial.params }))
    expect(seen.map((earlier) => earlier.map((trial) => trial.params))).toEqual([params])
    expect(seen[0]?.map(({ number }) => number)).toEqual(fitting.map((_, i) => i - fitting.length))
    await run({ ...other, budget: { trials: 8, steps: 3 } }, { store, clock })
    await run({ ...study, budget: { trials: 3, steps: 1 } }, { store, clock })
    expect(seen).toHaveLength(2)
    expect(seen[1]).toEqual(seen[0])
  })

  test.each([
    ['another', 'study/unknown', 'no such study is stored here'],
    ['other', 'study/invalid', 'which has other goals'],
    ['tiny', 'study/invalid', 'from itself'],
  ])('that starts from %s is refused', async (startFrom, code, message) => {
    const store = openMemoryStore()
    await run(studyOf(nineReports, { name: 'other', goals: [minimize('pq')] }), { store })
    await expect(run(studyOf(nineReports, { startFrom }), { store })).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message) as unknown,
    })
  })

  test('ends when a result is as good as its target, and says so', async () => {
    const ran = await run(studyOf(nineReports, { budget: { trials: 50, steps: 3, target: 2 } }))
    expect(ran.why).toBe('target')
    expect(ran.trials.length).toBeLessThan(50)
    const last = ran.trials.at(-1)
    expect(last?.reports.at(-1)?.metrics['pq']).toBeGreaterThanOrEqual(2)
    expect(ran.events.at(-1)).toMatchObject({ reason: `trial ${last?.number} reached the target: pq 2` })
  })

  test('ends once its trials have had their devices for long enough, in an earlier run too', async () => {
    const store = openMemoryStore()
    const study = (deviceHours: number) => studyOf(nineReports, { budget: { trials: 50, steps: 3, deviceHours } })
    const first = await run(study(10 / 3600), { store })
    expect(first.why).toBe('device-hours')
    const seconds = first.trials.map((trial) => trial.seconds ?? 0)
    expect(seconds.slice(0, -1).reduce((sum, value) => sum + value, 0)).toBeLessThan(10)
    expect(seconds.reduce((sum, value) => sum + value, 0)).toBeGreaterThanOrEqual(10)
    expect((await run(study(10 / 3600), { store })).trials).toHaveLength(first.trials.length)
    expect((await run(study(30 / 3600), { store })).trials.length).toBeGreaterThan(first.trials.length)
  })

  test('counts the hours of devices that are in use, too', async () => {
    const uneven: Objective = async function* ({ x }, { number }) {
      for (let step = 1; step <= (number === 0 ? 30 : 1); step++) yield { pq: x }
    }
    const budget = { trials: 50, steps: 30, deviceHours: 40 / 3600 }
    const { why, trials, events } = await run(studyOf(uneven, { budget }), { slots: 2 })
    expect(why).toBe('device-hours')
    const [begun, last] = [0, trials.length - 1].map((n) => events.find((event) => event.kind === 'trial-started' && event.trial.number === n)!.at) // prettier-ignore
    const before = trials.slice(1, -1).reduce((sum, { seconds = 0 }) => sum + seconds, 0)
    expect(before + (last! - begun!) / 1000).toBeLessThan(45)
  })

  test('ends when the sampler has nothing left', async () => {
    const few: Sampler = {
      name: 'few',
      suggest: ({ trials }) =>
        trials.length < 3 ? { point: [0.1 * trials.length, 0], reason: 'one of three' } : undefined,
    }
    const { why, trials } = await run(studyOf(nineReports), { sampler: few })
    expect(why).toBe('exhausted')
    expect(trials).toHaveLength(3)
  })

  test('tells everything that happens, in order and in time', async () => {
    const { events } = await run(studyOf(nineReports, { budget: { trials: 2, steps: 1 } }))
    expect(events.map(({ kind }) => kind)).toEqual([
      'study-started',
      'trial-started',
      'trial-reported',
      'trial-ended',
      'trial-started',
      'trial-reported',
      'trial-ended',
      'study-ended',
    ])
    const times = events.map(({ at }) => at)
    expect(times).toEqual(times.toSorted((a, b) => a - b))
    expect(events[0]).toMatchObject({ ended: 0, trials: 2, steps: 1, slots: 1 })
    expect(events[3]).toMatchObject({ reason: 'reached its budget of 1 report' })
  })

  test('gives a trial its context, with an empty directory of its own', async () => {
    const seen: TrialContext[] = []
    const results = temporaryDir()
    async function* look(_: Params, trial: TrialContext) {
      seen.push(trial)
      expect(readdirSync(trial.dir)).toEqual([])
      writeFileSync(join(trial.dir, 'left.txt'), '')
      yield { pq: 1 }
    }
    const study = studyOf(look, { settings: { size: 64 }, budget: { trials: 2 } })
    await run(study, { results })
    expect(seen[1]).toMatchObject({ number: 1, seed: seedFor(3, 'trial', 1), device: slots[0]?.device, maxSteps: Infinity, settings: { size: 64 } }) // prettier-ignore
    expect(seen[1]?.dir).toBe(join(results, 'tiny', 'trials', '0001'))
    await run(study, { results }) // another store: it would find what the first run left
  })
})

describe('a trial', () => {
  test('is complete after as many reports as the budget has steps, and its objective cleans up', async () => {
    let cleanups = 0
    async function* endless({ x }: Params) {
      try {
        for (;;) yield { pq: x }
      } finally {
        cleanups++
      }
    }
    const ran = await run(studyOf(endless))
    expect(ran.trials.map(({ reports }) => reports.length)).toEqual([3, 3, 3, 3])
    expect(cleanups).toBe(4)
  })

  test('is complete when its objective ends before, if it reported at all', async () => {
    async function* once({ net }: Params) {
      if (net === 'a') yield { pq: 1 }
    }
    const ran = await run(studyOf(once, { first: [{ x: 0, net: 'b' }], budget: { trials: 2, steps: 3 } }))
    expect(outcomes(ran)).toEqual([
      { state: 'complete' },
      { state: 'failed', code: 'trial/no-report', message: 'its objective ended without a report' },
    ])
  })

  test('is pruned as soon as it is not worth going on; the baseline and last reports are not asked about', async () => {
    const asked: string[] = []
    const pruner: Pruner = {
      name: 'second',
      judge: (trial, history) => {
        asked.push(`${trial.number}/${trial.reports.length}`)
        expect(history.trials[trial.number]).toBe(trial)
        const isKept = trial.number !== 2 || trial.reports.length < 2
        return isKept ? undefined : { action: 'stop', reason: 'it is the second', numbers: {} }
      },
    }
    const ran = await run(studyOf(nineReports, { pruner }))
    expect(states(ran)).toEqual(['complete', 'complete', 'pruned', 'complete'])
    expect(asked).toEqual(['1/1', '1/2', '2/1', '2/2', '3/1', '3/2'])
    expect(ran.events.find((event) => event.kind === 'trial-ended' && event.outcome.state === 'pruned')).toMatchObject({
      reason: 'second stopped it: it is the second',
    })
  })

  test.each<[unknown, string, string]>([
    ['high', 'trial/invalid-report', "report 2 is 'high', no metrics such as { pq: 0.5 }"],
    [undefined, 'trial/invalid-report', 'report 2 is undefined'],
    [[1], 'trial/invalid-report', 'report 2 is [ 1 ]'],
    [{ loss: 1 }, 'trial/invalid-report', "report 2 lacks the goal 'pq': it has loss"],
    [{}, 'trial/invalid-report', "report 2 lacks the goal 'pq': it has no metric"],
    [{ pq: '0.5' }, 'trial/invalid-report', "report 2 has '0.5' as 'pq', no number"],
    [{ pq: 1, note: null }, 'trial/invalid-report', "report 2 has null as 'note', no number"],
    [{ pq: Number.NaN }, 'trial/diverged', "'pq' was NaN in report 2"],
    [{ pq: Infinity }, 'trial/diverged', "'pq' was Infinity in report 2"],
  ])('that yields %j fails, with its earlier reports kept', async (yielded, code, message) => {
    async function* objective() {
      yield { pq: 1, other: Number.NaN }
      yield yielded
    }
    const { trials } = await run(studyOf(objective, { budget: { trials: 1 } }))
    expect(trials[0]?.reports).toHaveLength(1)
    expect(trials[0]?.outcome).toMatchObject({ state: 'failed', code, message: expect.stringContaining(message) })
  })

  test.each<[unknown, string, string]>([
    [new RangeError('too far'), 'trial/threw', 'RangeError: too far'],
    [new Error('plainly'), 'trial/threw', 'plainly'],
    ['a string', 'trial/threw', "threw 'a string'"],
    [
      Object.assign(new Error('loss is NaN at step 3'), { name: 'DivergedError' }),
      'trial/diverged',
      'loss is NaN at step 3',
    ],
    [Object.assign(new Error('its worker ended'), { name: 'TrialLostError' }), 'trial/lost', 'its worker ended'],
  ])('that throws %s fails, and the study goes on', async (thrown, code, message) => {
    async function* objective({ x }: Params) {
      if (x === 0.5) throw thrown
      yield { pq: 1 }
    }
    const ran = await run(studyOf(objective, { budget: { trials: 2 } }))
    expect(outcomes(ran)).toEqual([{ state: 'failed', code, message }, { state: 'complete' }])
  })

  test('that takes longer than it may fails by that, whatever it does when it is told', async () => {
    async function* slow({ net }: Params, { signal }: TrialContext) {
      yield { pq: 1 }
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      if (net === 'a') signal.throwIfAborted()
      yield { pq: 2 }
    }
    const ran = await run(studyOf(slow, { first: [{ x: 0, net: 'b' }], budget: { trials: 2, trialSeconds: 0.0201 } }))
    const message = 'took longer than its budget of 0.0201 s'
    expect(outcomes(ran)).toEqual([0, 1].map(() => ({ state: 'failed', code: 'trial/timeout', message })))
    expect(ran.trials.map(({ reports }) => reports.length)).toEqual([1, 1])
  })

  test('whose clean-up fails ends as it had ended, with a warning', async () => {
    async function* messy() {
      try {
        for (;;) yield { pq: 1 }
      } finally {
        // oxlint-disable-next-line no-unsafe-finally -- what is tried here
        throw new Error('the mess stays')
      }
    }
    const ran = await run(studyOf(messy, { budget: { trials: 1, steps: 1 } }))
    expect(states(ran)).toEqual(['complete'])
    expect(ran.events).toContainEqual(
      expect.objectContaining({ kind: 'warning', message: expect.stringContaining('the mess stays') }),
    )
  })
})

describe('failures', () => {
  async function* failing({ x }: Params) {
    if (x > 0) throw new Error(`no luck with ${x}`)
    yield { pq: 1 }
  }

  test('end a run when there are as many as its budget allows', async () => {
    const ran = await run(studyOf(failing, { budget: { trials: 9, failures: 4 } }))
    expect(ran.why).toBe('failures')
    expect(ran.trials).toHaveLength(4)
    expect(ran.events.at(-2)).toMatchObject({
      kind: 'warning',
      message: 'stopped: 4 trials failed, as many as budget.failures allows',
    })
  })

  test('of the first five trials for one reason, up to its numbers, pause a study; the next run tries again', async () => {
    async function* broken() {
      yield await Promise.reject(new Error(`no data after ${performance.now()} ms`))
    }
    const store = openMemoryStore()
    const study = studyOf(broken, { budget: { trials: 9 } })
    const ran = await run(study, { store })
    expect(ran.why).toBe('failures')
    expect(ran.trials).toHaveLength(5)
    const message: unknown = expect.stringMatching(/^paused: the first 5 trials failed the same way: no data after/)
    expect(ran.events.at(-2)).toMatchObject({ kind: 'warning', message })
    const next = await run({ ...study, objective: nineReports as never }, { store })
    expect([next.why, next.trials.length]).toEqual(['budget', 9])
  })

  test('for different reasons, or after a success, do not', async () => {
    const ran = await run(studyOf(failing, { budget: { trials: 5 } }))
    expect([ran.why, ran.trials.length]).toEqual(['budget', 5])
  })
})

describe('a failed attempt', () => {
  const lost = (message = 'its process was killed') => Object.assign(new Error(message), { name: 'TrialLostError' })
  const budget = { trials: 2, steps: 3 }

  /** Keeps what it has, and fails after its second report as often as it is told. */
  function failing(times: number, error: () => Error) {
    const attempts: (readonly [number, number])[] = []
    async function* objective({ x }: Params, { number, reported, dir }: TrialContext) {
      attempts.push([number, reported])
      mkdirSync(join(dir, 'checkpoint'), { recursive: true })
      writeFileSync(join(dir, 'checkpoint', 'step.txt'), String(reported))
      for (let step = reported + 1; step <= 3; step++) {
        if (step === 3 && number === 1 && attempts.filter(([of]) => of === 1).length <= times) throw error()
        yield { pq: x * step }
      }
    }
    return { objective, attempts }
  }

  test('of a worker that died is made again from the checkpoint, and the trial is as if nothing had been', async () => {
    const { objective, attempts } = failing(3, lost)
    const ran = await run(studyOf(objective, { budget }))
    expect(attempts).toEqual([[0, 0], [1, 0], [1, 2], [1, 2], [1, 2]]) // prettier-ignore
    const undisturbed = await run(studyOf(nineReports, { budget }))
    const results = ({ trials }: Ran) => trials.map(({ params, outcome, reports }) => [params, outcome, reports.map(({ metrics }) => metrics)]) // prettier-ignore
    expect(results(ran)).toEqual(results(undisturbed))
    expect(ran.trials[1]?.failures).toEqual(Array.from({ length: 3 }, () => ({ code: 'trial/lost', message: 'its process was killed' }))) // prettier-ignore
    const ends = ran.events.flatMap((event) => (event.kind === 'trial-ended' ? [[event.outcome.state, event.reason]] : [])) // prettier-ignore
    expect(ends[1]).toEqual(['interrupted', 'its process was killed'])
  })

  test('is the last once there were enough of its kind, in earlier runs too', async () => {
    const store = openMemoryStore()
    const stop = new AbortController()
    const { objective, attempts } = failing(9, lost)
    const onEvent = (event: StudyEvent) => {
      if (event.kind === 'trial-ended' && attempts.length === 3) stop.abort()
    }
    await run(studyOf(objective, { budget }), { store, signal: stop.signal, onEvent })
    const ran = await run(studyOf(objective, { budget }), { store })
    expect(attempts).toHaveLength(5)
    expect(states(ran)).toEqual(['complete', 'failed'])
    expect(ran.trials[1]?.failures).toHaveLength(3)
  })

  test('that ran out of memory is made again once, and leaves the memory of its device to fewer slots', async () => {
    const { objective, attempts } = failing(1, () => new RangeError('Array buffer allocation failed'))
    const slow = async function* slow(params: Params, trial: TrialContext) {
      for await (const report of objective(params, trial)) {
        await new Promise((resolve) => setTimeout(resolve, 2))
        yield report
      }
    }
    const ran = await run(studyOf(slow, { budget: { trials: 6, steps: 3 } }), { slots: 2 })
    expect(states(ran)).toEqual(Array.from({ length: 6 }, () => 'complete'))
    expect(attempts.filter(([number]) => number === 1)).toHaveLength(2)
    const at = ran.events.findIndex(({ kind }) => kind === 'warning')
    expect(ran.events[at]).toMatchObject({
      message: 'the memory of the machine is too small: from now on it runs 1 at once',
    })
    const later = ran.events.slice(at).flatMap((event) => (event.kind === 'trial-started' ? [event.slot] : []))
    expect(new Set(later).size).toBe(1)
  })

  test('in a slot that is lost with it is made again in another, and without any slot the study says so', async () => {
    const { objective } = failing(1, () => lost('it hangs'))
    const study = studyOf(objective, { budget: { trials: 4, steps: 3 } })
    const losing = (of: Study, count: 1 | 2): Executor => {
      const executor = direct(of, count)
      const gone = new Set<number>()
      return {
        ...executor,
        get slots() {
          return executor.slots.filter(({ index }) => !gone.has(index))
        },
        run: async function* runs(job, slot, signal) {
          try {
            yield* executor.run(job, slot, signal)
          } catch (error) {
            gone.add(slot.index)
            throw error
          }
        },
      }
    }
    const ran = await run(study, { executor: losing(study, 2) })
    expect(states(ran)).toEqual(Array.from({ length: 4 }, () => 'complete'))
    expect(ran.events).toContainEqual(expect.objectContaining({ kind: 'warning', message: expect.stringMatching(/^slot [01] is given up/) as unknown })) // prettier-ignore
    const alone = { ...study, objective: failing(1, () => lost('it hangs')).objective as never }
    await expect(run(alone, { executor: losing(alone, 1) })).rejects.toMatchObject({ code: 'device/none', message: 'tiny: every slot is held by a trial that hangs' }) // prettier-ignore
  })
})

describe('a run that is told to drain', () => {
  test('lets its trials end and starts no others; the next one goes on', async () => {
    const drain = new AbortController()
    const store = openMemoryStore()
    const onEvent = (event: StudyEvent) => {
      if (event.kind === 'trial-reported') drain.abort()
    }
    const first = await run(studyOf(nineReports), { store, drain: drain.signal, onEvent, slots: 2 })
    expect([first.why, ...states(first)]).toEqual(['interrupted', 'complete', 'complete'])
    const next = await run(studyOf(nineReports), { store })
    expect([next.why, next.trials.length]).toEqual(['budget', 4])
  })
})

describe('a trial that begins from the end of another', () => {
  const chain: Sampler = {
    name: 'chain',
    suggest: ({ trials }) => ({ point: [0.1 * trials.length, 0], from: trials.length - 1, reason: 'it goes on' }),
  }
  async function* summing({ x }: Params, { dir, from }: TrialContext) {
    const before = from === undefined ? 0 : Number(readFileSync(join(from, 'sum.txt'), 'utf8'))
    writeFileSync(join(dir, 'sum.txt'), String(before + x))
    yield { pq: before + x }
  }

  test('is given the directory of that one, which stays as it was left', async () => {
    const { trials } = await run(studyOf(summing, { sampler: chain }))
    expect(trials.map(({ from }) => from)).toEqual([undefined, 0, 1, 2])
    expect(lineOf({ trials }, trials[3]!)).toEqual(trials)
    expect(trials.map(({ reports }) => reports[0]?.metrics['pq']?.toFixed(6))).toEqual(['0.500000', '0.600000', '0.800000', '1.100000']) // prettier-ignore
  })

  test('is the same when it was interrupted', async () => {
    const store = openMemoryStore()
    const results = temporaryDir()
    const study = studyOf(summing, { sampler: chain })
    const stop = new AbortController()
    const onEvent = (event: StudyEvent) => {
      if (event.kind === 'trial-started' && event.trial.number === 2) stop.abort()
    }
    await run(study, { store, results, signal: stop.signal, onEvent })
    const { trials } = await run(study, { store, results })
    expect(trials.map(({ from }) => from)).toEqual([undefined, 0, 1, 2])
    expect(trials[3]?.reports[0]?.metrics['pq']).toBeCloseTo(1.1, 12)
  })
})

describe('a study whose pruner pauses', () => {
  const pruner = asha({ form: 'promotion' })
  const budget = { trials: 20, steps: 9 }
  const reportsOf = (trials: readonly Trial[]) => trials.reduce((sum, { reports }) => sum + reports.length, 0)

  test.each([1, 2] as const)(
    'ends every trial once: a few complete, the others pruned where they waited, in %i slots',
    async (slots) => {
      const ran = await run(studyOf(nineReports, { pruner, budget }), { slots })
      expect(ran.why).toBe('budget')
      expect(ran.trials).toHaveLength(20)
      const complete = ran.trials.filter(({ outcome }) => outcome.state === 'complete')
      expect(states(ran).filter((state) => state === 'pruned')).toHaveLength(20 - complete.length)
      expect(new Set(ran.trials.map(({ reports }) => reports.length))).toEqual(new Set([1, 3, 9]))
      const best = ran.trials.toSorted((a, b) => Number(b.params['x']) - Number(a.params['x']))[0]
      expect(complete).toContain(best)
      expect(reportsOf(ran.trials)).toBeLessThan(0.6 * 20 * 9)
      const ends = ran.events.flatMap((event) => (event.kind === 'trial-ended' ? [event] : []))
      expect(ends.filter(({ outcome }) => outcome.state !== 'paused')).toHaveLength(20)
      expect(ends.find(({ outcome }) => outcome.state === 'paused')?.reason).toMatch(
        /^asha paused it: pq .* at step 1 is place 1? of|asha paused/,
      )
    },
  )

  test('lets a promoted trial go on in its directory, from what it kept there', async () => {
    const seen: (readonly [number, number])[] = []
    async function* keeping({ x }: Params, { number, reported, dir }: TrialContext) {
      seen.push([number, reported])
      const file = join(dir, 'checkpoint', 'step.txt')
      expect(existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0).toBe(reported)
      mkdirSync(join(dir, 'checkpoint'), { recursive: true })
      for (let step = reported + 1; step <= 9; step++) {
        writeFileSync(file, String(step))
        yield { pq: x * step }
      }
    }
    const results = temporaryDir()
    const ran = await run(studyOf(keeping, { pruner, budget }), { results })
    expect(new Set(seen.map(([, reported]) => reported))).toEqual(new Set([0, 1, 3]))
    expect(seen.filter(([, reported]) => reported === 0)).toHaveLength(20)
    for (const { params, reports } of ran.trials) {
      expect(reports.map(({ metrics }) => metrics['pq'])).toEqual(reports.map(({ step }) => Number(params['x']) * step))
    }
    const kept = ran.trials.filter(({ number }) => existsSync(join(trialDir(results, 'tiny', number), 'checkpoint')))
    expect(kept).toEqual([])
  })

  test('lets one that kept nothing begin anew, and leaves out what it repeats', async () => {
    const reported = new Set<number>()
    async function* forgetful(params: Params, trial: TrialContext) {
      reported.add(trial.reported)
      expect(readdirSync(trial.dir)).toEqual([])
      writeFileSync(join(trial.dir, 'left.txt'), '')
      yield* nineReports(params, trial)
    }
    const ran = await run(studyOf(forgetful, { pruner, budget }))
    expect(reported).toEqual(new Set([0]))
    for (const { params, reports } of ran.trials) {
      expect(reports.map(({ step, metrics }) => [step, metrics['pq']])).toEqual(reports.map((_, i) => [i + 1, Number(params['x']) * (i + 1)])) // prettier-ignore
    }
  })

  test('is continued as if nothing had been, wherever it was interrupted', async () => {
    const study = studyOf(nineReports, { pruner, budget })
    const results = (ran: Ran) => ran.trials.map(({ params, reports, outcome }) => [params, outcome, reports.map(({ metrics }) => metrics)]) // prettier-ignore
    const undisturbed = results(await run(study))
    const store = openMemoryStore()
    for (const after of [2, 3, 1, 7, 11]) {
      const stop = new AbortController()
      let reports = 0
      const onEvent = (event: StudyEvent) => {
        if (event.kind === 'trial-reported' && ++reports === after) stop.abort()
      }
      const part = await run(study, { store, signal: stop.signal, onEvent })
      expect(part.why).toBe('interrupted')
      expect(states(part).filter((state) => state === 'running')).toEqual([])
    }
    expect(results(await run(study, { store }))).toEqual(undisturbed)
  })

  test('tries more with a larger budget, and what was pruned stays so', async () => {
    const store = openMemoryStore()
    const study = studyOf(nineReports, { pruner, budget })
    const first = await run(study, { store })
    const more = await run({ ...study, budget: { trials: 30, steps: 9 } }, { store })
    expect(more.trials).toHaveLength(30)
    expect(more.trials.slice(0, 20)).toEqual(first.trials)
    expect(more.trials.every(hasEnded)).toBe(true)
  })

  test('keeps its slots until nothing can be promoted any more', async () => {
    const held: Pruner = {
      name: 'held',
      judge: ({ reports }) => (reports.length === 1 ? { action: 'pause', reason: 'all wait', numbers: {} } : undefined),
      promote: ({ trials }) => {
        const waiting = trials.filter(({ outcome }) => outcome.state === 'paused')
        const isReady = trials.length === 5 && trials.every(({ reports }) => reports.length > 0)
        return isReady && waiting[0] ? { number: waiting[0].number, action: 'promote', reason: 'all came', numbers: {} } : undefined // prettier-ignore
      },
    }
    async function* slowLast({ x }: Params, { number }: TrialContext) {
      for (let step = 1; step <= 2; step++) {
        await new Promise((resolve) => setTimeout(resolve, number === 4 ? 20 : 1))
        yield { pq: x * step }
      }
    }
    const promoted: number[] = []
    const onEvent = (event: StudyEvent) => {
      if (event.kind === 'trial-started' && event.trial.reports.length > 0) promoted.push(event.slot)
    }
    const ran = await run(studyOf(slowLast, { pruner: held, budget: { trials: 5, steps: 2 } }), { slots: 2, onEvent })
    expect(states(ran)).toEqual(['complete', 'complete', 'complete', 'complete', 'complete'])
    expect(promoted).toHaveLength(4)
    expect(new Set(promoted)).toEqual(new Set([0, 1]))
  })

  test('is told when its pruner promotes what does not wait', async () => {
    const broken: Pruner = { name: 'mine', judge: () => ({ action: 'pause', reason: 'always', numbers: {} }), promote: () => ({ number: 0, action: 'promote', reason: 'it is there', numbers: {} }) } // prettier-ignore
    await expect(run(studyOf(nineReports, { pruner: broken }))).rejects.toMatchObject({
      code: 'study/invalid',
      message: "pruner 'mine' promotes trial 0, which is not paused",
    })
  })
})

describe('an interrupted run', () => {
  test('is continued as if nothing had been: same trials, same results', async () => {
    const study = studyOf(nineReports, { budget: { trials: 6, steps: 3 } })
    const undisturbed = await run(study)
    const results = (ran: Ran) =>
      ran.trials.map(({ params, seed, reports, outcome }) => ({
        params,
        seed,
        outcome,
        metrics: reports.map(({ metrics }) => metrics),
      }))

    const store = openMemoryStore()
    for (const after of [1, 5, 4, 7]) {
      const stop = new AbortController()
      let reports = 0
      const onEvent = (event: StudyEvent) => {
        if (event.kind === 'trial-reported' && ++reports === after) stop.abort()
      }
      const part = await run(study, { store, signal: stop.signal, onEvent })
      expect(part.why).toBe('interrupted')
      expect(states(part).filter((state) => state === 'running')).toEqual([])
    }
    const last = await run(study, { store })
    expect(last.why).toBe('budget')
    expect(results(last)).toEqual(results(undisturbed))
  })

  test('marks its running trials, and starts them again first, under their numbers and in empty directories', async () => {
    const stop = new AbortController()
    const store = openMemoryStore()
    const results = temporaryDir()
    async function* waiting(_: Params, { dir, signal, number }: TrialContext) {
      expect(existsSync(join(dir, 'left.txt'))).toBe(false)
      writeFileSync(join(dir, 'left.txt'), '')
      yield { pq: number }
      await new Promise((resolve) => (signal.aborted ? resolve(0) : signal.addEventListener('abort', resolve)))
    }
    let reports = 0
    const onEvent = (event: StudyEvent) => {
      if (event.kind === 'trial-reported' && ++reports === 2) stop.abort()
    }
    const study = studyOf(waiting)
    const first = await run(study, { store, results, slots: 2, signal: stop.signal, onEvent })
    expect([first.why, ...states(first)]).toEqual(['interrupted', 'interrupted', 'interrupted'])
    const next = await run({ ...study, objective: nineReports as never }, { store, results, slots: 2 })
    expect(
      next.events.flatMap((event) => (event.kind === 'trial-started' ? [[event.trial.number, event.again]] : [])),
    ).toEqual([
      [0, true],
      [1, true],
      [2, false],
      [3, false],
    ])
    expect(next.trials.slice(0, 2).map(({ params, seed }) => [params, seed])).toEqual(
      first.trials.map(({ params, seed }) => [params, seed]),
    )
    expect(next.why).toBe('budget')
  })

  test('before it began runs no trial', async () => {
    const { why, trials } = await run(studyOf(nineReports), { signal: AbortSignal.abort() })
    expect([why, trials.length]).toEqual(['interrupted', 0])
  })
})

test('a clock that jumps changes neither trials nor results', async () => {
  let ticks = 0
  const jumps = [0, 5_000, -3_600_000, 86_400_000, -86_400_000]
  const clock = { now: () => Date.UTC(2026, 0, 1) + ++ticks + (jumps[ticks % jumps.length] ?? 0) }
  const results = ({ trials }: Ran) => trials.map(({ params, seed, outcome, reports }) => [params, seed, outcome, reports.map(({ metrics }) => metrics)]) // prettier-ignore
  const jumping = await run(studyOf(nineReports), { clock })
  expect(results(jumping)).toEqual(results(await run(studyOf(nineReports))))
  expect(jumping.trials.every(({ seconds = -1 }) => seconds >= 0)).toBe(true)
})

describe('a study', () => {
  test('prepares once, before its trials, which are given what it gave', async () => {
    const seen: unknown[] = []
    async function* objective(_: Params, { data }: TrialContext) {
      seen.push(data)
      yield { pq: 1 }
    }
    const data = { pixels: new Uint8Array(4) }
    const prepare: Study['prepare'] = ({ cacheDir, settings, progress }) => {
      progress(`reading ${String(settings['set'])}`)
      expect(existsSync(cacheDir)).toBe(true)
      seen.push('prepared')
      return data
    }
    const { events } = await run(studyOf(objective, { prepare, settings: { set: 'shapes' }, budget: { trials: 2 } }))
    expect(seen).toEqual(['prepared', data, data])
    expect(events[1]).toMatchObject({ kind: 'preparing', message: 'reading shapes' })
  })

  test('that cannot prepare says so before any trial', async () => {
    const throwing = (error: Error) => () => {
      throw error
    }
    const missing = new TuneError('data/missing', 'no such directory')
    await expect(run(studyOf(nineReports, { prepare: throwing(missing) }))).rejects.toBe(missing)
    const plain = run(studyOf(nineReports, { prepare: throwing(new Error('oh')) }))
    await expect(plain).rejects.toMatchObject({ code: 'study/invalid', message: 'tiny: its prepare failed: oh' })
  })

  test('that prepares what no worker can be sent says so before any trial, unless its trials run in this thread', async () => {
    const study = studyOf(nineReports, { prepare: () => ({ score: () => 1 }) })
    expect(states(await run(study))).toHaveLength(4)
    const started = run(study, { executor: { ...direct(study, 1), data: 'shared' } })
    await expect(started).rejects.toMatchObject({
      code: 'study/invalid',
      message: expect.stringMatching(/^tiny: its prepare returned something that cannot be sent to a worker: .*=> 1/),
    })
  })

  test('that is stopped while it prepares ends at once, and hears no more of it', async () => {
    const stop = new AbortController()
    const prepare: Study['prepare'] = ({ progress }) => {
      setImmediate(() => {
        stop.abort()
        progress('still reading')
      })
      return new Promise(() => undefined) // for ever
    }
    const { why, events } = await run(studyOf(nineReports, { prepare }), { signal: stop.signal })
    expect(why).toBe('interrupted')
    expect(events.map(({ kind }) => kind)).toEqual(['study-started', 'study-ended'])
  })

  test('whose sampler or pruner throws is told whose mistake that is', async () => {
    const broken = () => {
      throw new RangeError('too far')
    }
    const sampler = { name: 'mine', suggest: broken }
    await expect(run(studyOf(nineReports, { sampler }))).rejects.toMatchObject({ code: 'study/invalid', message: "sampler 'mine' threw: RangeError: too far" }) // prettier-ignore
    const pruner = { name: 'mine', judge: broken }
    await expect(run(studyOf(nineReports, { pruner }))).rejects.toMatchObject({ code: 'study/invalid', message: "pruner 'mine' threw: RangeError: too far" }) // prettier-ignore
  })

  test('that is done neither prepares nor runs again; a larger budget continues it', async () => {
    const store = openMemoryStore()
    const study = studyOf(nineReports)
    await run(study, { store })
    const never = () => {
      throw new Error('it is done')
    }
    const again = await run({ ...study, prepare: never }, { store })
    expect(again.events.map(({ kind }) => kind)).toEqual(['study-started', 'study-ended'])
    expect(again.events[0]).toMatchObject({ ended: 4 })
    const larger = await run({ ...study, budget: { trials: 6, steps: 3 } }, { store })
    expect(larger.trials).toHaveLength(6)
  })

  test('whose store fails stops in all its slots, with what was stored', async () => {
    const full = new TuneError('results/unwritable', 'the disk is full')
    const memory = openMemoryStore()
    let reports = 0
    const store: Store = {
      ...memory,
      open: (record, options) => {
        const study = memory.open(record, options)
        const report: typeof study.report = (number, one) => {
          if (++reports > 7) throw full
          return study.report(number, one)
        }
        return { ...study, report }
      },
    }
    let isOver = false
    async function* watched(params: Params, trial: TrialContext) {
      expect(isOver).toBe(false)
      yield* nineReports(params, trial)
    }
    await expect(run(studyOf(watched, { budget: { trials: 20, steps: 3 } }), { store, slots: 2 })).rejects.toBe(full)
    isOver = true
    await new Promise((resolve) => setImmediate(resolve))
    const trials = memory.list()[0]?.history.trials ?? []
    expect(trials.filter(({ outcome }) => outcome.state === 'complete')).toHaveLength(2)
    expect(trials.filter(({ outcome }) => outcome.state === 'running')).toEqual([])
  })
})
