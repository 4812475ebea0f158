import { describe, expect, test } from 'vitest'
import { stream } from '../../src/rng.ts'
import type { Pruner } from '../../src/search/pruner.ts'
import type { Goal, Outcome, Trial } from '../../src/trial.ts'
import { frozen, historyOf, trialOf } from '../search/histories.ts'

const STEPS = 27
const outcomes: readonly Outcome[] = [
  { state: 'complete' },
  { state: 'pruned' },
  { state: 'running' },
  { state: 'interrupted' },
  { state: 'failed', code: 'trial/threw', message: 'boom' },
]

/** Trials whose losses fall; the higher its number, the worse a trial is at every step. */
function ordered(count: number): readonly Trial[] {
  return Array.from({ length: count }, (_, n) =>
    trialOf(n, curve(n), { outcome: outcomes[n % 2 === 0 ? 0 : n % 5] ?? { state: 'complete' } }),
  )
}

function curve(worse: number, steps = STEPS): number[] {
  return Array.from({ length: steps }, (_, i) => 10 + worse - i / 100)
}

/** What a pruner says of a running trial with these losses beside others: at each of its steps in turn. */
function judged(pruner: Pruner, losses: readonly number[], others: readonly Trial[], goal?: Goal): readonly boolean[] {
  return losses.map((_, i) => {
    const trial = trialOf(others.length, losses.slice(0, i + 1), { outcome: { state: 'running' } })
    return pruner.judge(trial, frozen(historyOf([], [...others, trial], goal && [goal])))?.action !== 'stop'
  })
}

/** What every pruner must do. */
export function prunerContract(pruner: Pruner): void {
  describe(`${pruner.name}, as any pruner,`, () => {
    test('keeps a trial that has nothing to be compared with', () => {
      expect(judged(pruner, curve(0), []).every(Boolean)).toBe(true)
    })

    test('keeps the best trial at every step', () => {
      expect(judged(pruner, curve(-1), ordered(20)).every(Boolean)).toBe(true)
    })

    test('keeps a trial that is as good as all others', () => {
      const others = Array.from({ length: 20 }, (_, n) => trialOf(n, curve(0)))
      expect(judged(pruner, curve(0), others).every(Boolean)).toBe(true)
    })

    test('stops the worst of many trials at some step', () => {
      expect(judged(pruner, curve(100), ordered(20))).toContain(false)
    })

    test('keeps no trial to its end that reports nothing but NaN', () => {
      expect(judged(pruner, curve(Number.NaN), ordered(20))).toContain(false)
    })

    test('takes the NaN and infinities of others for results', () => {
      const others = [Number.NaN, Infinity, -Infinity, Number.NaN, Infinity, 0, 0, 0].map((worse, n) =>
        trialOf(n, curve(worse)),
      )
      expect(judged(pruner, curve(0), others).every((answer) => typeof answer === 'boolean')).toBe(true)
      const bad = Array.from({ length: 20 }, (_, n) => trialOf(n, curve(Number.NaN)))
      expect(judged(pruner, curve(0), bad).every(Boolean)).toBe(true)
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
      const answers = judged(pruner, losses, noisy)
      expect(judged(pruner, losses, noisy.toReversed())).toEqual(answers)
      const turned = noisy.map((trial) =>
        trialOf(
          trial.number,
          trial.reports.map(({ metrics }) => -(metrics['loss'] ?? 0)),
        ),
      )
      const more: Goal = { direction: 'maximize', metric: 'loss' }
      expect(
        judged(
          pruner,
          losses.map((loss) => -loss),
          turned,
          more,
        ),
      ).toEqual(answers)
    })

    test('answers the same question the same way', () => {
      expect(judged(pruner, curve(5), ordered(20))).toEqual(judged(pruner, curve(5), structuredClone(ordered(20))))
    })
  })
}
