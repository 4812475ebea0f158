import { isTuneError, TuneError } from '../errors.ts'
import {
  choice,
  int,
  logint,
  loguniform,
  spaceSpec,
  uniform,
  type Choice,
  type Param,
  type ParamSpec,
  type Space,
} from '../space.ts'
import type { Distribution, OtherTrial, Refused } from './optuna_file.ts'

/**
 * The space that trials of Optuna were drawn from: of numbers the widest range of all trials, of choices all that there
 * were. The first trial's values are its defaults, so that this trial is the baseline.
 */
export function spaceOfTrials(trials: Iterable<OtherTrial | Refused>): Readonly<Record<string, ParamSpec>> {
  const found = new Map<string, Found>()
  for (const trial of trials) {
    if ('why' in trial) continue
    for (const [name, { value, distribution }] of trial.values) {
      if (!distribution) continue
      const drawn = drawnFrom(name, distribution)
      const before = found.get(name)
      found.set(name, before ? { ...widened(name, before, drawn), first: before.first } : { ...drawn, first: value })
    }
  }
  if (found.size === 0) throw new TuneError('space/invalid', 'no trial that has ended has a parameter')
  const space: Space = Object.fromEntries([...found].map(([name, one]) => [name, paramOf(name, one)]))
  return spaceSpec(space)
}

/** What a parameter was drawn from. */
type Drawn =
  | { readonly kind: 'number'; readonly isInt: boolean; readonly isLog: boolean; readonly low: number; readonly high: number; readonly step: number | undefined } // prettier-ignore
  | { readonly kind: 'choice'; readonly choices: readonly Choice[] }

type Found = Drawn & { readonly first: Choice }

/** Those of Optuna 3 and newer, and those before. */
function drawnFrom(name: string, { name: kind, attributes }: Distribution): Drawn {
  const { choices, low, high, step, q, log } = attributes
  if (kind === 'CategoricalDistribution' && Array.isArray(choices)) return { kind: 'choice', choices: choices as readonly Choice[] } // prettier-ignore
  const isInt = kind.startsWith('Int')
  const isNumber = isInt || ['Float', 'Uniform', 'LogUniform', 'DiscreteUniform'].some((word) => kind === `${word}Distribution`) // prettier-ignore
  if (!isNumber || typeof low !== 'number' || typeof high !== 'number') throw new TuneError('space/invalid', `parameter '${name}' was drawn from ${kind}, which is not known here`) // prettier-ignore
  const grid = typeof step === 'number' ? step : typeof q === 'number' ? q : undefined
  const isLog = log === true || kind.includes('Log')
  return { kind: 'number', isInt, isLog, low, high, step: isLog || (isInt && grid === 1) ? undefined : grid }
}

function widened(name: string, a: Drawn, b: Drawn): Drawn {
  if (a.kind === 'choice' && b.kind === 'choice') return { kind: 'choice', choices: [...new Set([...a.choices, ...b.choices])] } // prettier-ignore
  if (a.kind === 'number' && b.kind === 'number' && a.isInt === b.isInt && a.isLog === b.isLog && a.step === b.step)
    return { ...a, low: Math.min(a.low, b.low), high: Math.max(a.high, b.high) }
  throw new TuneError('space/invalid', `parameter '${name}' was drawn from different kinds of distributions`, {
    hint: 'import them into a study of ours whose space has it: --into',
  })
}

function paramOf(name: string, drawn: Found): Param<unknown> {
  try {
    return declared(drawn)
  } catch (error) {
    if (!isTuneError(error)) throw error
    throw new TuneError('space/invalid', `parameter '${name}': ${error.message}`, { cause: error })
  }
}

function declared(drawn: Found): Param<unknown> {
  if (drawn.kind === 'choice') {
    const rest = drawn.choices.filter((option) => option !== drawn.first)
    return choice(drawn.first, ...rest)
  }
  const { isInt, isLog, low, high, step } = drawn
  const first = Number(drawn.first)
  if (low === high) return choice(low)
  if (isLog) return (isInt ? logint : loguniform)(low, high, { default: first })
  return (isInt ? int : uniform)(low, high, { default: first, ...(step !== undefined && { step }) })
}
