import * as fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Clock } from '../../src/clock.ts'
import {
  choice,
  encodeSpace,
  int,
  loguniform,
  oneOf,
  spaceDims,
  spaceSpec,
  uniform,
  type Params,
} from '../../src/space.ts'
import type { Start, Store, StudyRecord } from '../../src/store/store.ts'
import type { Device } from '../../src/trial.ts'
import { anySpace } from '../spaces.ts'

const space = {
  lr: loguniform(1e-4, 1),
  depth: int(1, 4),
  schedule: oneOf({ poly: { power: uniform(0.5, 2) }, cosine: {} }),
  mirror: choice(true, false),
}

export const record: StudyRecord = {
  name: 'weights',
  goals: [{ direction: 'maximize', metric: 'pq' }],
  constraints: [{ metric: 'memory', atMost: 4000 }],
  space: spaceSpec(space),
  settings: { size: 64, name: 'shapes', mirror: true },
  seed: 7,
  steps: 12,
  codeHash: 'abc',
}

const params: Params = { lr: 0.1 + 0.2, depth: 3, schedule: { kind: 'poly', power: 4 / 3 }, mirror: false }
const device: Device = { kind: 'cpu', index: 0, threads: 2 }
export const start: Start = { params, seed: 42, device, reason: 'because' }

/** A clock that is a second later each time it is asked. */
export function tickingClock(from = Date.UTC(2026, 0, 31, 23, 59, 58, 7)): Clock {
  let at = from - 1000
  return { now: () => (at += 1000) }
}

/** A place for studies: a store that opens it, as often as it is asked. */
export interface StorePlace {
  open(clock?: Clock): Store
}

/** What every store promises. `place` gives a new, empty place. */
export function testStore(place: () => StorePlace): void {
  const opened = (at: StorePlace, clock?: Clock): Store => {
    const store = at.open(clock)
    onTestFinished(() => store.close())
    return store
  }

  describe('a trial', () => {
    test('starts running, at the point of its params, and reads back as it was', () => {
      const at = place()
      const store = opened(at)
      const trial = store.open(record).start(start)
      expect(trial).toEqual({
        number: 0,
        point: encodeSpace(space, params),
        ...start,
        reports: [],
        outcome: { state: 'running' },
      })
      store.close()
      expect(opened(at).list()[0]?.history.trials[0]?.params).toEqual(params)
    })

    test('keeps what was derived from its params', () => {
      const at = place()
      const store = opened(at)
      const study = store.open(record)
      const derived = { heads: 4, name: 'wide', sizes: [1, 2] }
      expect(study.start({ ...start, derived }).derived).toEqual(derived)
      expect(study.start(start)).not.toHaveProperty('derived')
      store.close()
      expect(
        opened(at)
          .list()[0]
          ?.history.trials.map((trial) => trial.derived),
      ).toEqual([derived, undefined])
    })

    test('keeps every metric of every report, whatever the number', () => {
      const at = place()
      const store = opened(at)
      const study = store.open(record)
      study.start(start)
      const metrics = { pq: 0.1, loss: Number.NaN, up: Infinity, down: -Infinity, tiny: 5e-324 }
      study.report(0, { step: 1, metrics, at: 1_700_000_000_123 })
      const ended = study.finish(0, { state: 'complete' })
      expect(ended.reports).toEqual([{ step: 1, metrics, at: 1_700_000_000_123 }])
      store.close()
      expect(opened(at).open(record).history().trials).toEqual([ended])
    })

    test('keeps how it ended, and why it failed', () => {
      const at = place()
      const store = opened(at)
      const study = store.open(record)
      const outcomes = [
        { state: 'complete' },
        { state: 'pruned' },
        { state: 'failed', code: 'trial/diverged', message: "'pq' was NaN" },
        { state: 'interrupted' },
        { state: 'paused' },
      ] as const
      for (const outcome of outcomes) study.finish(study.start(start).number, outcome)
      store.close()
      expect(
        opened(at)
          .open(record)
          .history()
          .trials.map(({ outcome }) => outcome),
      ).toEqual(outcomes)
    })

    test('that was interrupted or paused goes on under its number, with its reports', () => {
      const at = place()
      const store = opened(at)
      const study = store.open(record)
      study.start(start)
      const reports = [1, 2, 3].map((step) => ({ step, metrics: { pq: 1 / step }, at: step }))
      for (const [i, state] of (['interrupted', 'paused'] as const).entries()) {
        study.report(0, reports[i]!)
        study.finish(0, { state })
        const again = study.start({ ...start, number: 0 })
        expect(again).toMatchObject({ number: 0, reports: reports.slice(0, i + 1), outcome: { state: 'running' } })
      }
      study.report(0, reports[2]!)
      study.finish(0, { state: 'complete' })
      store.close()
      const again = opened(at).open(record)
      expect(again.history().trials).toMatchObject([{ reports, outcome: { state: 'complete' } }])
      expect(again.start(start).number).toBe(1)
    })

    test('keeps which trial it began from, when it goes on too', () => {
      const at = place()
      const store = opened(at)
      const study = store.open(record)
      study.finish(study.start(start).number, { state: 'complete' })
      study.start({ ...start, from: 0 })
      study.finish(1, { state: 'interrupted' })
      expect(study.start({ ...start, number: 1 }).from).toBe(0)
      store.close()
      expect(
        opened(at)
          .list()[0]
          ?.history.trials.map(({ from }) => from),
      ).toEqual([undefined, 0])
    })

    test('that is paused stays so when its driver dies, and is pruned once, with its reports', () => {
      const at = place()
      const store = opened(at)
      const study = store.open(record)
      study.start(start)
      study.report(0, { step: 1, metrics: { pq: 0.5 }, at: 1 })
      study.finish(0, { state: 'paused' })
      expect(() => study.finish(0, { state: 'complete' })).toThrow('not running')
      store.close()
      const next = opened(at)
      expect(next.list()[0]?.history.trials[0]?.outcome.state).toBe('paused')
      const again = next.open(record)
      expect(again.finish(0, { state: 'pruned' })).toMatchObject({ reports: [{ step: 1 }] })
      expect(() => again.finish(0, { state: 'pruned' })).toThrow('not running')
      expect(() => again.start({ ...start, number: 0 })).toThrow('cannot start: it is pruned')
      next.close()
      expect(opened(at).list()[0]?.history.trials).toMatchObject([{ reports: [{ step: 1 }], outcome: { state: 'pruned' } }]) // prettier-ignore
    })

    test('that a dead driver left running is interrupted, to readers and to whoever continues', () => {
      const at = place()
      const store = opened(at)
      store.open(record).start(start)
      expect(store.list()[0]?.history.trials[0]?.outcome.state).toBe('running')
      store.close()
      const next = opened(at)
      expect(next.list()[0]?.history.trials[0]?.outcome.state).toBe('interrupted')
      expect(next.open(record).history().trials[0]?.outcome.state).toBe('interrupted')
    })

    test('takes no report and no end that does not follow from how it stands', () => {
      const study = opened(place()).open(record)
      study.start(start)
      expect(() => study.report(0, { step: 2, metrics: { pq: 1 }, at: 1 })).toThrow('report 2 after 0')
      expect(() => study.start({ ...start, number: 0 })).toThrow('cannot start: it is running')
      study.finish(0, { state: 'complete' })
      expect(() => study.report(0, { step: 1, metrics: { pq: 1 }, at: 1 })).toThrow('not running')
      expect(() => study.finish(0, { state: 'pruned' })).toThrow('not running')
      expect(() => study.finish(9, { state: 'pruned' })).toThrow('not running')
    })
  })

  test('params and points of any space survive exactly', () => {
    fc.assert(
      fc.property(
        anySpace.chain(({ space, values }) => fc.tuple(fc.constant(space), values)),
        ([space, values]) => {
          const at = place()
          const store = at.open()
          const anyRecord = { ...record, space: spaceSpec(space) }
          const json = values as Params
          const { point } = store.open(anyRecord).start({ ...start, params: json })
          store.close()
          const again = at.open()
          const [trial] = again.open(anyRecord).history().trials
          again.close()
          expect(trial).toMatchObject({ params: json, point })
          expect(point).toEqual(encodeSpace(space, values))
        },
      ),
      { numRuns: 25 },
    )
  })

  test('a history has the dimensions and goals of its study, its trials by number, and never changes under its reader', () => {
    const study = opened(place()).open(record)
    study.start(start)
    const before = study.history()
    study.start(start)
    expect(before.trials).toHaveLength(1)
    expect(study.history()).toMatchObject({
      dims: spaceDims(space),
      goals: record.goals,
      constraints: record.constraints,
      trials: [{ number: 0 }, { number: 1 }],
    })
    expect(study.history()).toBe(study.history())
  })

  test('a list has every study, and when each began and changed last', () => {
    const store = opened(place(), tickingClock(5000))
    expect(store.list()).toEqual([])
    const study = store.open(record)
    store.open({ ...record, name: 'other' })
    study.start(start)
    study.finish(0, { state: 'complete' })
    const [first, second] = store.list()
    expect(first).toMatchObject({ record, history: { trials: [{ number: 0 }] } })
    expect(second).toMatchObject({ record: { name: 'other' }, history: { trials: [] } })
    expect(first?.updatedAt).toBeGreaterThan(first?.startedAt ?? Infinity)
    expect(second?.startedAt).toBeGreaterThan(5000)
  })

  test('a study that another driver holds is locked until that one closes', () => {
    const at = place()
    const store = opened(at)
    store.open(record)
    expect(() => opened(at).open(record)).toThrow(expect.objectContaining({ code: 'store/locked' }))
    store.close()
    expect(opened(at).open(record).history().trials).toEqual([])
  })

  describe('a study that changed', () => {
    const changed = (change: Partial<StudyRecord>, accept = false): (() => void) => {
      const at = place()
      const store = opened(at)
      const study = store.open(record)
      study.start(start)
      study.finish(0, { state: 'complete' })
      store.close()
      return () => {
        const next = opened(at)
        try {
          next.open({ ...record, ...change }, { acceptCodeChange: accept })
        } finally {
          expect(next.list()[0]?.history.trials).toHaveLength(1)
        }
      }
    }
    test.each<[string, Partial<StudyRecord>, string]>([
      ['range', { space: { ...record.space, lr: loguniform(1e-4, 2).spec } }, "'lr' was loguniform(0.0001, 1"],
      ['kind of parameter', { space: { ...record.space, lr: uniform(1e-4, 1).spec } }, 'is uniform(0.0001, 1'],
      [
        'goal',
        { goals: [{ direction: 'minimize', metric: 'loss' }] },
        "the goal was maximize('pq'), is minimize('loss')",
      ],
      [
        'constraints',
        { constraints: [{ metric: 'fps', atLeast: 10 }] },
        'the constraints were memory at most 4000, are fps at least 10',
      ],
      ['setting', { settings: { ...record.settings, size: 32 } }, "setting 'size' was 64, is 32"],
      ['seed', { seed: 8 }, 'the seed was 7, is 8'],
      ['steps', { steps: null }, 'budget.steps was 12, is missing'],
      ['code', { codeHash: 'def' }, 'other code'],
    ])('in its %s is refused, and its trials stay', (_, change, message) => {
      expect(changed(change)).toThrow(
        expect.objectContaining({ code: 'study/changed', message: expect.stringContaining(message) }),
      )
    })

    test('only in its code goes on when that is accepted, and then with the new code', () => {
      expect(changed({ codeHash: 'def' }, true)).not.toThrow()
      expect(changed({ codeHash: 'def', seed: 8 }, true)).toThrow(expect.objectContaining({ code: 'study/changed' }))
    })

    test('in its space goes on when that is accepted: trials that lie in it are placed anew, the others stay', () => {
      const at = place()
      const store = opened(at)
      const study = store.open(record)
      const shapes: Params[] = [params, { ...params, depth: 1 }, { ...params, schedule: { kind: 'cosine' }, lr: 1e-4 }]
      for (const shape of shapes) study.finish(study.start({ ...start, params: shape }).number, { state: 'complete' })
      store.close()
      const grown = {
        decay: uniform(0, 1, { default: 0.25 }),
        lr: loguniform(1e-3, 1, { default: 0.01 }),
        depth: int(2, 8, { default: 3 }),
        schedule: oneOf({ poly: { power: uniform(0.5, 4, { default: 1.25 }), warm: choice(0, 1) }, step: {} }),
      }
      const changed = { ...record, space: spaceSpec(grown) }
      const next = opened(at)
      expect(() => next.open(changed)).toThrow("'mirror' was choice(true, false), is gone")
      const { trials } = next.open(changed, { acceptCodeChange: true }).history()
      const fitted = { decay: 0.25, lr: 0.1 + 0.2, depth: 3, schedule: { kind: 'poly', power: 4 / 3, warm: 0 } }
      expect(trials.map(({ point }) => point)).toEqual([encodeSpace(grown, fitted), [], []])
      expect(trials[0]?.params).toEqual({ ...fitted, mirror: false })
      expect(trials[1]?.params).toEqual(shapes[1])
      next.close()
      const back = opened(at).open(record, { acceptCodeChange: true })
      expect(back.history().trials.map(({ point }) => point)).toEqual(shapes.map((shape) => encodeSpace(space, shape)))
    })

    test('in a default is another study, whose baseline would be another', () => {
      const lr = (change: object) => ({ space: { ...record.space, lr: loguniform(1e-5, 1, change).spec } })
      expect(changed(lr({ default: 0.01 }), true)).not.toThrow()
      expect(changed(lr({}), true)).toThrow(
        expect.objectContaining({ hint: expect.stringContaining("keep its baseline, 'lr' at its default 0.01") }),
      )
    })

    test('before its first trial is simply the new one', () => {
      const at = place()
      const store = opened(at)
      store.open(record)
      store.close()
      const next = opened(at)
      next.open({ ...record, seed: 8, codeHash: 'def' })
      expect(next.list()[0]?.record).toEqual({ ...record, seed: 8, codeHash: 'def' })
    })
  })

  describe('the log', () => {
    test('keeps what is told of a study in its order, with the time, for whoever opens the store again', () => {
      const at = place()
      const store = opened(at)
      store.open(record)
      store.open({ ...record, name: 'other' })
      const told = store.list()[0]
      store.log(record.name, { kind: 'warning', message: 'slow' })
      store.log('other', { kind: 'warning', message: 'not this one' })
      store.log(record.name, { kind: 'trial-judged', trial: 3, numbers: { loss: 0.5, cutoff: 'Infinity' } })
      const expected = [
        { kind: 'warning', message: 'slow' },
        { kind: 'trial-judged', trial: 3, numbers: { loss: 0.5, cutoff: 'Infinity' } },
      ]
      expect(told?.events()).toMatchObject(expected)
      store.close()
      const [again] = opened(at).list()
      expect(again?.events()).toMatchObject(expected)
      const times = again?.events().map((event) => event.at) ?? []
      expect(times).toEqual(times.toSorted((a, b) => a - b))
    })
  })
}
