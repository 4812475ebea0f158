import { describe, expect, test } from 'vitest'
import { stream } from '../../src/rng.ts'
import { acquisitionOf, sumOf, type Utility } from '../../src/search/acquisition.ts'
import { columnsOf, encodingOf } from '../../src/search/encoding.ts'
import { fantasize, leaders, logImprovement } from '../../src/search/expected_improvement.ts'
import { logFeasibility } from '../../src/search/feasibility.ts'
import { logHypervolume } from '../../src/search/hypervolume_improvement.ts'
import {
  beliefAt,
  growFactor,
  posteriorOf,
  supposing,
  viewOf,
  type Posterior,
} from '../../src/search/numeric/gp_posterior.ts'
import { logEi } from '../../src/search/numeric/log_ei.ts'
import { choice, oneOf, spaceDims, uniform } from '../../src/space.ts'

const dims = spaceDims({ x: uniform(0, 1), c: choice('p', 'q'), b: oneOf({ on: { y: uniform(0, 1) }, off: {} }) })
const encoding = encodingOf(dims)
const kernel = { weights: Float64Array.of(6, 0.4, 0.7, 3), scale: 1.2, noise: 0.02 }
const rng = stream(1, 'acquisition')
const points = Array.from({ length: 9 }, () => dims.map(() => rng.uniform()))
const columns = columnsOf(encoding, points)
const { factor } = growFactor(kernel, columns, undefined, kernel.noise)
const posteriors = [0, 1, 2].map(() =>
  posteriorOf(
    kernel,
    columns,
    factor,
    Float64Array.from(points, () => rng.normal()),
  ),
)
const [posterior, other, third] = posteriors as [Posterior, Posterior, Posterior]
const front = [[-1, 0.4, 0.3], [0.2, -0.8, 0.1], [-0.2, -0.1, -0.7], [0.5, 0.9, 1]] // prettier-ignore
/** The columns with two more points, which run. */
const withRunning = columnsOf(encoding, [...points, [0.31, 0.2, 0.2, 0.6], [0.77, 0.8, 0.9, 0.5]])
const fantasies = fantasize(posterior, withRunning, 1.8, stream(2, 'fantasies'))

describe('an acquisition', () => {
  const cases: Readonly<Record<string, readonly [readonly Posterior[], Utility]>> = {
    'the improvement to expect': [[posterior], logImprovement(fantasize(posterior, columns, -0.4, rng))],
    'that beside running trials': [[fantasies.posterior], logImprovement(fantasies)],
    'the probability to keep a bound': [[posterior], logFeasibility(posterior, -0.3)],
    'the volume of two goals': [
      [posterior, other],
      logHypervolume(
        [posterior, other],
        front.map((point) => point.slice(0, 2)),
      ),
    ],
    'the volume of three goals': [posteriors, logHypervolume(posteriors, front)],
    'an improvement within a bound': [
      [fantasies.posterior, third],
      sumOf([
        { utility: logImprovement(fantasies), posteriors: 1 },
        { utility: logFeasibility(third, 0.1), posteriors: 1 },
      ]),
    ],
  }

  test.each(Object.keys(cases))('by %s knows its slopes, which are 0 for what is switched off', (name) => {
    const acquisition = acquisitionOf(encoding, ...cases[name]!)
    for (const point of [
      [0.4, 0.3, 0.3, 0.9],
      [0.9, 0.7, 0.8, 0.2],
    ]) {
      // prettier-ignore
      const [at, slopes] = [Float64Array.from(point), new Float64Array(4)]
      expect(acquisition.slopes(at, slopes)).toBeCloseTo(acquisition.value(at), 12)
      for (const d of [0, 3]) {
        const [up, down] = [1e-5, -1e-5].map((step) => acquisition.value(at.with(d, at[d]! + step)))
        expect((up! - down!) / 2e-5).toBeCloseTo(slopes[d]!, 5)
      }
      expect(slopes[1]).toBe(0)
      expect(slopes[3] === 0).toBe(point[2]! > 0.5)
    }
  })
})

describe('fantasies', () => {
  test('give the improvement that many draws of what runs give', () => {
    const acquisition = acquisitionOf(encoding, [fantasies.posterior], logImprovement(fantasies))
    const places = Array.from({ length: 50 }, () => Float64Array.from(dims, () => rng.uniform()))
    const at = places.reduce((a, b) => (acquisition.value(b) > acquisition.value(a) ? b : a))
    // The plain way: draw what runs from its beliefs, condition on it, and take the mean of the improvements.
    const chance = stream(5, 'draws')
    const view = viewOf(fantasies.posterior)
    const row = Float64Array.from(columnsOf(encoding, [at]).columns, (column) => column[0]!)
    const seen = view.whiten(row).slice()
    const { variance } = beliefAt(fantasies.posterior, seen)
    const { rows } = supposing(posterior, withRunning)
    const values = Array.from({ length: 20_000 }, () => {
      const normals = [chance.normal(), chance.normal()]
      const whitened = fantasies.posterior.whitened.slice()
      whitened.set(normals, 9)
      const outcomes = rows.map((row) => row.reduce((sum, cell, i) => sum + cell * whitened[i]!, 0))
      const mean = whitened.reduce((sum, x, i) => sum + x * seen[i]!, 0)
      return Math.exp(logEi(mean, variance, Math.min(1.8, ...outcomes)).value)
    })
    expect(acquisition.value(at)).toBeCloseTo(Math.log(values.reduce((sum, x) => sum + x, 0) / values.length), 1)
  })

  test('choose leaders that differ, the lowest means first', () => {
    const repeated = columnsOf(encoding, [points[0]!, points[0]!, points[1]!, points[2]!])
    const { factor } = growFactor(kernel, repeated, undefined, kernel.noise)
    const twice = posteriorOf(kernel, repeated, factor, new Float64Array(4))
    expect(leaders(twice, Float64Array.of(-1, -2, 0.5, Infinity))).toEqual([1, 2])
  })
})

describe('the hypervolume', () => {
  test.each([2, 3])('of %i goals is what many draws of a point add to it', (count) => {
    const at = Float64Array.of(0.6, 0.3, 0.3, 0.4)
    const row = Float64Array.from(columnsOf(encoding, [at]).columns, (column) => column[0]!)
    const beliefs = posteriors.slice(0, count).map((posterior) => beliefAt(posterior, viewOf(posterior).whiten(row)))
    // Around what is believed there, so that draws reach beyond it.
    const chosen = front.map((point) => beliefs.map(({ mean }, g) => mean + point[g]!))
    const utility = logHypervolume(posteriors.slice(0, count), chosen)
    const exact = acquisitionOf(encoding, posteriors.slice(0, count), utility).value(at)
    const best = chosen.slice(0, -1)
    const reference = chosen[0]!.map((_, g) => Math.max(...best.map((p) => p[g]!)) + 0.1 * (Math.max(...chosen.map((p) => p[g]!)) - Math.min(...chosen.map((p) => p[g]!)))) // prettier-ignore
    const rng = stream(7, 'volume')
    const probes = 100_000
    let sum = 0
    for (let i = 0; i < probes; i++) {
      const drawn = beliefs.map(({ mean, variance }) => mean + Math.sqrt(variance) * rng.normal())
      // A place at random between the draw and the reference: is it dominated by the front already?
      const place = drawn.map((x, g) => x + (reference[g]! - x) * rng.uniform())
      if (drawn.some((x, g) => x >= reference[g]!) || best.some((p) => p.every((x, g) => x <= place[g]!))) continue
      sum += drawn.reduce((product, x, g) => product * (reference[g]! - x), 1)
    }
    expect(Math.exp(exact) / (sum / probes)).toBeCloseTo(1, 1)
  })
})
