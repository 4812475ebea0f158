import { describe, expect, test } from 'vitest'
import { constant, int32s, newGraph, type Tensor } from '../../../src/models/graph/graph.ts'
import { parseLosses, type SemanticLoss } from '../../../src/models/losses/options.ts'
import { semanticLoss } from '../../../src/models/losses/semantic.ts'
import { gradientError } from '../graph/gradient_error.ts'
import { thrown } from '../thrown.ts'
import { evaluate } from './evaluate.ts'

/** Of 2 x 2 pixels and two classes, the second of which has logits of 0. */
const logits = [0, 1, 2, 3, 0, 0, 0, 0]
const ones = [1, 1, 1, 1]

const KINDS: readonly SemanticLoss[] = [
  { kind: 'cross_entropy', hardPixels: 1 },
  { kind: 'cross_entropy', hardPixels: 0.2 },
  { kind: 'cross_entropy', hardPixels: 0.5, classWeights: [1, 0.2, 3] },
  { kind: 'cross_entropy', hardPixels: 0.5, mining: 'image' },
  { kind: 'ohem', threshold: 0.5, minKept: 0.3 },
  { kind: 'focal', gamma: 2 },
  { kind: 'focal', gamma: 0.5, classWeights: [1, 0.2, 3] },
  { kind: 'dice' },
  { kind: 'dice', classWeights: [1, 0, 3] },
]

describe('cross-entropy with hard pixel mining', () => {
  const loss = async (labels: readonly number[], weights: readonly number[], hardPixels: number, values = logits) =>
    (await semantic({ kind: 'cross_entropy', hardPixels }, labels, weights, values)).value

  test('averages over all pixels with fraction 1, ignored ones included with loss 0', async () => {
    expect(await loss([0, 0, 0, -1], ones, 1)).toBeCloseTo((lossAt(0) + lossAt(1) + lossAt(2)) / 4)
  })

  test('averages over the largest losses, after weighting', async () => {
    expect(await loss([0, 0, 0, 0], ones, 0.5)).toBeCloseTo((lossAt(0) + lossAt(1)) / 2)
    expect(await loss([0, 0, 0, 0], [1, 1, 1, 30], 0.5)).toBeCloseTo((lossAt(0) + 30 * lossAt(3)) / 2)
  })

  test('rounds the number of kept pixels down, as int() does', async () => {
    expect(await loss([0, 0, 0, 0], ones, 0.74)).toBeCloseTo((lossAt(0) + lossAt(1)) / 2)
  })

  test('stays finite for extreme logits', async () => {
    expect(await loss([1, 1, 1, 1], ones, 1, [500, 500, 500, 500, -500, -500, -500, -500])).toBeCloseTo(1000)
  })
})

test('mining in each image keeps its own hardest, where mining in the batch takes all from one', async () => {
  // Two images of two pixels: the second is easy.
  const values = [0, 1, 0, 0, 8, 9, 0, 0]
  const of = async (mining: 'batch' | 'image') =>
    (await semantic({ kind: 'cross_entropy', hardPixels: 0.5, mining }, [0, 0, 0, 0], ones, values, [2, 2, 1, 2])).value
  expect(await of('batch')).toBeCloseTo((lossAt(0) + lossAt(1)) / 2)
  expect(await of('image')).toBeCloseTo((lossAt(0) + lossAt(8)) / 2)
})

describe('OHEM', () => {
  const loss = async (threshold: number, minKept: number, labels: readonly number[] = [0, 0, 0, 0]) =>
    (await semantic({ kind: 'ohem', threshold, minKept }, labels, ones)).value

  test('averages over the pixels whose label is unlikely', async () => {
    // The probabilities are 0.5, 0.73, 0.88 and 0.95.
    expect(await loss(0.8, 0.25)).toBeCloseTo((lossAt(0) + lossAt(1)) / 2)
    expect(await loss(0.9, 0.25)).toBeCloseTo((lossAt(0) + lossAt(1) + lossAt(2)) / 3)
  })

  test('keeps the least likely where too few are below its threshold', async () => {
    expect(await loss(0.1, 0.5)).toBeCloseTo((lossAt(0) + lossAt(1)) / 2)
  })

  test('leaves pixels without a label out', async () => {
    expect(await loss(0.9, 0.25, [-1, 0, 0, 0])).toBeCloseTo((lossAt(1) + lossAt(2)) / 2)
    expect(await loss(0.1, 0.75, [-1, 0, 0, -1])).toBeCloseTo(lossAt(1))
  })
})

test('the focal loss of gamma 0 is the mean cross-entropy of the labelled pixels', async () => {
  const { value } = await semantic({ kind: 'focal', gamma: 0 }, [0, 0, 0, -1], ones)
  expect(value).toBeCloseTo((lossAt(0) + lossAt(1) + lossAt(2)) / 3)
})

test('the focal loss and its gradient stay finite where the network is certain', async () => {
  const { value, gradient } = await semantic({ kind: 'focal', gamma: 0.5 }, [0, 0, 1, 1], ones, [99, 0, 99, 0, -99, 0, -99, 0]) // prettier-ignore
  expect(value).toBeGreaterThan(40)
  for (const slope of gradient) expect(Number.isFinite(slope)).toBe(true)
})

test('Dice is 0 for a perfect prediction, whatever the sizes of the classes, and ignores classes that are absent', async () => {
  const sure = [99, 99, 99, -99, 0, 0, 0, 0, -199, -199, -199, -199]
  const perfect = await semantic({ kind: 'dice' }, [0, 0, 0, 1], ones, sure)
  expect(perfect.value).toBeCloseTo(0)
  const missed = await semantic({ kind: 'dice' }, [0, 0, 0, 1], ones, sure.with(3, 99))
  // Class 0 has 3 of 4 predicted pixels right, 2 * 3 / 7; class 1 none.
  expect(missed.value).toBeCloseTo((1 - 6 / 7 + 1) / 2)
})

describe.each(KINDS)('%j', (options) => {
  test('has the gradient of finite differences', async () => {
    const error = await gradientError([[2, 3, 3, 2]], (x) => {
      const labels = int32s(x.graph, [2, 3, 2], [0, 1, 2, -1, 0, 1, 2, 2, 1, 0, -1, 0])
      const weights = constant(x.graph, [2, 3, 2], [1, 3, 1, 1, 3, 1, 1, 1, 0, 1, 0, 3])
      return semanticLoss(x, labels, weights, options).value
    })
    expect(error).toBeLessThan(1e-5)
  })

  test('is 0, with no gradient and from no pixel, where every pixel is ignored', async () => {
    const values = [...logits, 1, 1, 1, 1]
    const { value, gradient, pixels } = await semantic(options, [-1, -1, -1, -1], ones, values)
    expect([value, pixels, ...gradient]).toEqual(Array(14).fill(0).map((zero) => expect.closeTo(zero, 12))) // prettier-ignore
  })

  test('does not depend on what the network says where pixels are ignored', async () => {
    const at = async (ignored: number) => {
      const values = [...logits, 1, 1, 1, 1].with(3, ignored)
      return (await semantic(options, [0, 1, 2, -1], ones, values)).value
    }
    expect(await at(-30)).toBe(await at(30))
  })
})

test('each image has its own part in the loss', async () => {
  const of = (options: SemanticLoss, labels: readonly number[]) =>
    semantic(options, labels, ones, [0, 1, 0, 0, 8, 9, 0, 0], [2, 2, 1, 2])
  const hard = await of({ kind: 'cross_entropy', hardPixels: 0.5, mining: 'image' }, [0, 0, 0, 0])
  expect([...hard.images]).toEqual([expect.closeTo(lossAt(0) / 2, 5), expect.closeTo(lossAt(8) / 2, 5)])
  const focal = await of({ kind: 'focal' }, [-1, -1, 0, 1])
  expect([...focal.images]).toEqual([0, expect.closeTo(focal.value, 5)])
})

test('pixels are the share that the gradient comes from: kept, labelled and of some weight', async () => {
  const share = async (options: SemanticLoss, labels: readonly number[], weights: readonly number[]) =>
    (await semantic(options, labels, weights)).pixels
  expect(await share({ kind: 'cross_entropy', hardPixels: 1 }, [0, 0, 0, -1], ones)).toBe(0.75)
  expect(await share({ kind: 'cross_entropy', hardPixels: 0.5 }, [0, 0, 0, -1], ones)).toBe(0.5)
  expect(await share({ kind: 'cross_entropy', hardPixels: 0.5 }, [0, 0, 0, -1], [0, 1, 0, 1])).toBe(0.25)
  expect(await share({ kind: 'ohem', threshold: 0.6, minKept: 0.25 }, [0, 0, 0, 0], ones)).toBe(0.25)
  expect(await share({ kind: 'dice' }, [0, 0, -1, -1], ones)).toBe(0.5)
})

test('labels of another size than the logits are refused', () => {
  const x = constant(newGraph(), [1, 2, 4, 4], Array(32).fill(0))
  const labels = int32s(x.graph, [1, 2, 2], [0, 0, 0, 0])
  expect(() => semanticLoss(x, labels, x, { kind: 'dice' })).toThrow(/\[1, 2, 2\].*\[1, 2, 4, 4\]/)
})

describe('what a study asks for is checked:', () => {
  test.each([
    [{ semantic: 'focl' }, "did you mean 'focal'?"],
    [{ semantic: { kind: 'ohem', treshold: 0.5 } }, "did you mean 'threshold'?"],
    [{ semantic: { kind: 'cross_entropy', hardPixels: 0 } }, 'hardPixels is 0, must be above 0 and at most 1'],
    [{ semantic: { kind: 'focal', gamma: -1 } }, 'gamma is -1'],
    [{ semantic: { kind: 'dice', classWeights: [1, 2] } }, 'there are 2 classWeights for 3 classes'],
    [{ semantic: { kind: 'dice', classWeights: [1, -2, 1] } }, /classWeights is \[1,-2,1\]/],
    [{ weighing: 'learned' }, "did you mean 'weighting'?"],
    [{ weighting: 'learnt' }, 'weighting is "learnt", must be fixed or learned'],
    [{ temperature: 0 }, 'temperature is 0'],
    [{ instances: { kind: 'inconsistency', floor: -1 } }, 'floor is -1'],
    [{ stride: 1.5 }, 'stride is 1.5'],
  ])('%j', (options, message) => {
    expect(thrown(() => parseLosses(options as object, 3))).toMatch(message)
  })

  test('nothing asked for is detectron2', () => {
    expect(parseLosses({}, 3)).toMatchObject({ semantic: { kind: 'cross_entropy' }, offsetMean: 'pixels', weighting: 'fixed' }) // prettier-ignore
  })
})

function semantic(
  options: SemanticLoss,
  labels: readonly number[],
  weights: readonly number[],
  values: readonly number[] = logits,
  shape: readonly number[] = [1, values.length / 4, 2, 2],
) {
  const [size = 1, , height = 1, width = 1] = shape
  return evaluate(shape, values, (x: Tensor) => {
    const planes = [size, height, width]
    return semanticLoss(x, int32s(x.graph, planes, labels), constant(x.graph, planes, weights), options)
  })
}

/** Of a pixel of class 0 with logits (x, 0). */
function lossAt(x: number): number {
  return Math.log(1 + Math.exp(-x))
}
