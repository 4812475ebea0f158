import { stream, type Rng } from '../../src/rng.ts'
import type { CurveTask } from './curves.ts'

const STEPS = 60
const CURVES = 1000
/** Far from the seeds of the recorded curves' runs. */
const SEED = 5_000_000

/** What a configuration would report at a step of 1 to 60, were there no noise. */
type Course = (step: number) => number

/**
 * Made learning curves that nothing in this repository was chosen by; in all but the first kind, early steps
 * mislead whoever compares trials there. What each configuration is truly worth at its end is known; reports are that and noise. A loss that is good is
 * rare: below x with probability x squared.
 */
const KINDS: Readonly<Record<string, (rng: Rng) => Course>> = {
  'made: calm, some diverge': calm,
  'made: paces that differ': hasty,
  'made: power laws that cross': powerLaw,
  'made: plateaus and steps down': plateaus,
  'made: late bloomers among others': (rng) => (rng.uniform() < 0.3 ? lateBloomer(rng) : powerLaw(rng)),
}

export function madeCurves(): readonly CurveTask[] {
  return Object.entries(KINDS).map(([name, kind]) => {
    const made = Array.from({ length: CURVES }, (_, i) => {
      const rng = stream(SEED, name, i)
      const course = kind(rng)
      const noise = 0.02 * Math.exp(0.5 * rng.normal())
      const curve = Float32Array.from({ length: STEPS }, (_, t) => course(t + 1) + noise * rng.normal())
      return { curve, worth: course(STEPS) }
    })
    return { name, curves: made.map(({ curve }) => curve), worth: made.map(({ worth }) => worth), seed: SEED }
  })
}

/** 0 to 1, the smaller the rarer. */
function quality(rng: Rng): number {
  return Math.sqrt(rng.uniform())
}

/** What ends low falls slowly, more often than not: early and late orders differ. */
function powerLaw(rng: Rng): Course {
  const [end, scale] = [quality(rng), 0.5 + 1.5 * rng.uniform()]
  const power = Math.exp(-1 + 1.2 * end + 0.5 * rng.normal())
  return (step) => end + scale * step ** -power
}

/** A rate that is lowered on the way: a higher plateau before, and often a lower one after. */
function plateaus(rng: Rng): Course {
  const [end, pace] = [quality(rng), 2 + 8 * rng.uniform()]
  const high = (1.2 - 0.6 * end) * rng.uniform()
  const drops = rng.uniform() < 0.5 ? [0.5, 0.75] : [0.3, 0.6, 0.9]
  return (step) => {
    const since = drops.filter((part) => step > part * STEPS)
    return end + high * 0.4 ** since.length + Math.exp(-step / pace)
  }
}

/** Nothing is learned for a long time, and then everything at once. */
function lateBloomer(rng: Rng): Course {
  const end = quality(rng)
  const start = STEPS * (0.2 + 0.5 * rng.uniform())
  return (step) => end + (2 - end) / (1 + (step / start) ** 6)
}

/** Curves that all but keep their order; one in ten ends in NaN, and one in ten jumps once. */
function calm(rng: Rng): Course {
  const [end, pace, fate] = [quality(rng), 8 * Math.exp(0.1 * rng.normal()), rng.uniform()]
  const at = 1 + rng.below(STEPS - 1)
  return (step) => {
    if (fate < 0.1 && step >= at) return Number.NaN
    return end + 2 * Math.exp(-step / pace) + (fate > 0.9 && step === at ? 1e6 : 0)
  }
}

/** How quickly something is learned says nothing of how much. */
function hasty(rng: Rng): Course {
  const [end, pace] = [quality(rng), 4 + 12 * rng.uniform()]
  return (step) => end + 2 * Math.exp(-step / pace)
}
