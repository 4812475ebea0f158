import { describe, expect, test } from 'vitest'
import { repeatFactors } from '../../src/data/balance.ts'
import { HEEDED_AFTER } from '../../src/data/hard_examples.ts'
import { planBatches, sceneTurns, type PlanOptions, type Turn } from '../../src/data/turns.ts'
import { drawnSet } from './drawn_set.ts'

const SCENES = [3, 5, 8, 9]

function turns(seed: number, count: number, factorOf?: (scene: number) => number): Turn[] {
  const endless = sceneTurns(SCENES, seed, factorOf)
  return Array.from({ length: count }, () => endless.next().value)
}

describe('sceneTurns', () => {
  test('has every scene once an epoch, in an order that changes', () => {
    const drawn = turns(1, 40)
    for (let epoch = 0; epoch < 10; epoch++) {
      const own = drawn.filter((turn) => turn.epoch === epoch).map((turn) => turn.scene)
      expect(own.toSorted((a, b) => a - b)).toEqual(SCENES)
    }
    const orders = new Set(Array.from({ length: 10 }, (_, epoch) => drawn.slice(4 * epoch, 4 * epoch + 4).map((turn) => turn.scene).join(' '))) // prettier-ignore
    expect(orders.size).toBeGreaterThan(3)
  })

  test('is the same for the same seed, and another for another', () => {
    expect(turns(1, 40)).toEqual(turns(1, 40))
    expect(turns(1, 40)).not.toEqual(turns(2, 40))
  })

  test('has a scene as often as its factor says, on average, and tells its turns in an epoch apart', () => {
    const drawn = turns(1, 1000, (scene) => (scene === 8 ? 2.5 : 1))
    const epochs = drawn.at(-1)!.epoch
    const ofEight = drawn.filter(({ scene, epoch }) => scene === 8 && epoch < epochs)
    expect(ofEight.length / epochs).toBeGreaterThan(2.4)
    expect(ofEight.length / epochs).toBeLessThan(2.6)
    expect(new Set(ofEight.map(({ epoch, repeat }) => `${epoch} ${repeat}`)).size).toBe(ofEight.length)
    expect(new Set(ofEight.map(({ repeat }) => repeat))).toEqual(new Set([0, 1, 2]))
    expect(drawn.filter(({ scene, epoch }) => scene === 3 && epoch < epochs)).toHaveLength(epochs)
  })
})

/** 100 scenes: road on all, a cat on 4, the first of them, and a dog, in a crowd, on one. */
const set = (() => {
  const road = { category: 2, isCrowd: false }
  const drawn = drawnSet(
    Array.from({ length: 100 }, (_, n) => {
      const rare = n < 4 ? [{ category: 1, isCrowd: false }] : n === 50 ? [{ category: 3, isCrowd: true }] : []
      return { height: 1, width: 1, labelAt: () => 1, segments: [road, ...rare] }
    }),
  )
  return {
    ...drawn,
    scenes: drawn.scenes.map((scene, n) => ({ ...scene, file: `${n < 9 ? 'night' : 'day'}/${n}.png` })),
  }
})()
const ALL = [...set.scenes.keys()]

describe('balanced sampling', () => {
  test('repeats scenes of rare classes by the square root of how rare they are, as LVIS does', () => {
    const factors = repeatFactors(set, ALL, { by: 'class', below: 0.36 })
    expect(ALL.filter((scene) => factors.get(scene) !== 1)).toEqual([0, 1, 2, 3])
    expect(factors.get(0)).toBeCloseTo(3, 12)
  })

  test('repeats scenes of rare domains alike', () => {
    const factors = repeatFactors(set, ALL, { by: 'domain', below: 0.36 })
    expect(factors.get(8)).toBeCloseTo(2, 12)
    expect(factors.get(9)).toBe(1)
  })

  test('counts only the scenes that are trained on', () => {
    expect(repeatFactors(set, [0, 60], { by: 'class', below: 0.5 }).get(0)).toBe(1)
  })

  test('makes rare scenes come more often', () => {
    const options = { size: 10, seed: 1, balance: { by: 'class', below: 0.36 } } as const
    const drawn = scenesOf(planBatches(set, options), 108)
    const cats = drawn.filter((scene) => scene < 4).length
    expect(cats / drawn.length).toBeCloseTo(12 / 108, 2)
  })
})

function scenesOf(plan: ReturnType<typeof planBatches>, batches: number): number[] {
  return Array.from({ length: batches }, () => plan.next().map(({ scene }) => scene)).flat()
}

describe('hard-example mining', () => {
  const options: PlanOptions = { size: 4, seed: 2, scenes: ALL.slice(0, 20), hardest: 3 }
  /** Scene 7 is hard, scene 8 somewhat. */
  const lossesOf = (turns: readonly Turn[]) => turns.map(({ scene }) => (scene === 7 ? 9 : scene === 8 ? 2.2 : 1))

  /** Batches whose losses are told `delay` batches later. */
  function mine(batches: number, delay: number): Turn[] {
    const plan = planBatches(set, options)
    const losses: number[][] = []
    return Array.from({ length: batches }, (_, step) => {
      const late = losses[step - 1 - delay]
      if (late) plan.heed(late)
      const turns = plan.next()
      losses.push(lossesOf(turns))
      return turns
    }).flat()
  }

  test('lets a scene come by its loss over the mean, within its bound', () => {
    const drawn = mine(250, 0)
    const epochs = drawn.at(-1)!.epoch
    const perEpoch = (wanted: number) => drawn.filter(({ scene, epoch }) => scene === wanted && epoch < epochs).length / epochs // prettier-ignore
    expect(perEpoch(7)).toBeGreaterThan(2.9)
    expect(perEpoch(8)).toBeGreaterThan(1.35)
    expect(perEpoch(8)).toBeLessThan(1.8)
    expect(perEpoch(3)).toBe(1)
  })

  test('is the same whenever losses are told, so that batches may be made ahead', () => {
    for (const delay of [1, HEEDED_AFTER - 1]) expect(mine(60, delay)).toEqual(mine(60, 0))
  })

  test('never goes on without a loss that it needs', () => {
    const plan = planBatches(set, options)
    expect(() => scenesOf(plan, HEEDED_AFTER)).not.toThrow()
    expect(() => plan.next()).toThrow(/batch 3 follows from the losses of batch 0/)
  })

  test('changes nothing where all scenes are as hard', () => {
    const plan = planBatches(set, options)
    const plain = planBatches(set, { ...options, hardest: 1 })
    for (let step = 0; step < 30; step++) {
      expect(plan.next()).toEqual(plain.next())
      plan.heed([2, 2, 2, 2])
    }
  })
})
