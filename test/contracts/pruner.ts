import { describe, expect, test } from 'vitest'
import { stream } from '../../src/rng.ts'
import type { Pruner } from '../../src/search/pruner.ts'
import { hasEnded, onImage, type Goal, type Outcome, type Trial } from '../../src/trial.ts'
import { simulate } from '../../bench/hpo/simulate.ts'
import { frozen, historyOf, minimizeLoss, trialOf } from '../search/histories.ts'

const STEPS = 27
const outcomes: readonly Outcome[] = [
  { state: 'complete' },
  { state: 'pruned' },
  { state: 'running' },
  { state: 'interrupted' },
  { state: 'paused' },
  { state: 'failed', code: 'trial/threw', message: 'boom' },
]

/** Trials whose losses fall; the higher its number, the worse a trial is at every step. */
function ordered(count: number): readonly Trial[] {
  return Array.from({ length: count }, (_, n) =>
    trialOf(n, curve(n), { outcome: outcomes[n % 2 === 0 ? 0 : n % 6] ?? { state: 'complete' } }),
  )
}

function curve(worse: number, steps = STEPS): number[] {
  return Array.from({ length: steps }, (_, i) => 10 + worse - i / 100)
}

/** The trial with what each of some images scored: its loss, and more on images that are hard. */
function withImages(trial: Trial, images: number): Trial {
  const reports = trial.reports.map(({ metrics, ...report }) => {
    const loss = metrics['loss'] ?? Number.NaN
    const scores = Array.from({ length: images }, (_, i) => [onImage('loss', i), loss + (i % 5)])
    return { ...report, metrics: { ...metrics, ...Object.fromEntries(scores) } }
  })
  return { ...trial, reports }
}

/**
 * What every pruner must do, asked about a running trial at each of its steps in turn. One that compares `images` is
 * given trials that report what each scored. One that `pauses` lets only those go on that are ahead of others.
 */
export function prunerContract(
  pruner: Pruner,
  { images = 0, pauses = false }: { readonly images?: number; readonly pauses?: boolean } = {},
): void {
  const judged = (losses: readonly number[], others: readonly Trial[], goal?: Goal): readonly boolean[] =>
    losses.map((_, i) => {
      const trial = trialOf(others.length, losses.slice(0, i + 1), { outcome: { state: 'running' } })
      const [own, ...all] = [trial, ...others].map((one) => withImages(one, images))
      const action = pruner.judge(own!, frozen(historyOf([], [...all, own!], goal && [goal])))?.action
      return action !== 'stop' && action !== 'pause'
    })

  describe(`${pruner.name}, as any pruner,`, () => {
    test.skipIf(pauses)('keeps a trial that has nothing to be compared with', () => {
      expect(judged(curve(0), []).every(Boolean)).toBe(true)
    })

    test('keeps the best trial at every step', () => {
      expect(judged(curve(-1), ordered(20)).every(Boolean)).toBe(true)
    })

    test.skipIf(pauses)('keeps a trial that is as good as all others', () => {
      const others = Array.from({ length: 20 }, (_, n) => trialOf(n, curve(0)))
      expect(judged(curve(0), others).every(Boolean)).toBe(true)
    })

    test('stops the worst of many trials at some step', () => {
      expect(judged(curve(100), ordered(20))).toContain(false)
    })

    test('keeps no trial to its end that reports nothing but NaN', () => {
      expect(judged(curve(Number.NaN), ordered(20))).toContain(false)
    })

    test('keeps no trial by a report that is NaN, however good those before it were', () => {
      const others = ordered(20).map((one) => withImages(one, images))
      const verdicts = Array.from({ length: STEPS }, (_, i) => {
        const losses = [...curve(-5, i), Number.NaN]
        const trial = withImages(trialOf(others.length, losses, { outcome: { state: 'running' } }), images)
        return pruner.judge(trial, frozen(historyOf([], [...others, trial])))
      })
      const actions = verdicts.flatMap((verdict) => verdict?.action ?? [])
      expect(new Set(actions)).toEqual(new Set([pauses ? 'pause' : 'stop']))
    })

    test('takes the NaN and infinities of others for results', () => {
      const others = [Number.NaN, Infinity, -Infinity, Number.NaN, Infinity, 0, 0, 0].map((worse, n) =>
        trialOf(n, curve(worse)),
      )
      expect(judged(curve(0), others).every((answer) => typeof answer === 'boolean')).toBe(true)
      const bad = Array.from({ length: 20 }, (_, n) => trialOf(n, curve(Number.NaN)))
      expect(pauses || judged(curve(0), bad).every(Boolean)).toBe(true)
    })

    test.runIf(pauses)('promotes the best of those that wait, and never one that does not or that reports NaN', () => {
      const waiting = [3, 1, Number.NaN, 2].map((worse, n) =>
        trialOf(n, [10 + worse], { outcome: { state: 'paused' } }),
      )
      const others = ordered(12).slice(4).map((trial) => ({ ...trial, reports: trial.reports.map((report) => ({ ...report, metrics: { loss: 30 } })) })) // prettier-ignore
      const history = frozen(historyOf([], [...waiting, ...others]))
      const promotion = pruner.promote?.(history, false)
      expect(promotion).toMatchObject({ number: 1, action: 'promote', reason: expect.stringMatching(/\w/) })
      expect(pruner.promote?.(structuredClone(history), false)).toEqual(promotion)
      const none = [
        [],
        ordered(12).filter(({ outcome }) => outcome.state !== 'paused'),
        Array.from({ length: 9 }, (_, n) => trialOf(n, [Number.NaN], { outcome: { state: 'paused' } })),
      ]
      for (const trials of none) expect(pruner.promote?.(frozen(historyOf([], trials)), true)).toBeUndefined()
    })

    test.runIf(pauses)('lets few go on, the best among them, whoever comes first', () => {
      const places = Array.from({ length: 60 }, (_, n) => (7 * n + 30) % 60)
      const { trials, complete } = simulate(pruner, minimizeLoss, places.map((place) => curve(place))) // prettier-ignore
      expect(trials.every(hasEnded)).toBe(true)
      expect(complete).toContain(places.indexOf(0))
      expect(complete.length).toBeLessThan(20)
    })

    test('does not care which way is better, nor in which order the others stand', () => {
      const rng = stream(1, 'pruner')
      const noisy = Array.from({ length: 12 }, (_, n) =>
        trialOf(
          n,
          curve(0).map((loss) => loss + rng.normal()),
        ),
      )
      const losses = curve(0).map((loss) => loss + rng.normal())
      const answers = judged(losses, noisy)
      expect(judged(losses, noisy.toReversed())).toEqual(answers)
      const turned = noisy.map((trial) =>
        trialOf(
          trial.number,
          trial.reports.map(({ metrics }) => -(metrics['loss'] ?? 0)),
        ),
      )
      const more: Goal = { direction: 'maximize', metric: 'loss' }
      expect(
        judged(
          losses.map((loss) => -loss),
          turned,
          more,
        ),
      ).toEqual(answers)
    })

    test('answers the same question the same way', () => {
      expect(judged(curve(5), ordered(20))).toEqual(judged(curve(5), structuredClone(ordered(20))))
    })
  })
}
