import { TuneError } from '../errors.ts'
import type { History, Trial } from '../trial.ts'
import { asha } from './asha.ts'
import type { Pruner } from './pruner.ts'
import { firstRung } from './rungs.ts'

interface HyperbandOptions {
  /** The first step at which trials of the strictest bracket are compared. Default: as for `asha`. */
  readonly first?: number
  /** Of the trials at a rung, one in `eta` goes on; each bracket starts `eta` times as late as the one before. Default 3. */
  readonly eta?: number
  /** How many brackets there are; the last starts at `first * eta ** (brackets - 1)`. Default 3. */
  readonly brackets?: number
  /** As for `asha`. Default `stopping`. */
  readonly form?: 'stopping' | 'promotion'
}

/**
 * Several `asha` side by side, each with a later first rung: for when early reports may mislead, and nobody knows how
 * early. A trial's seed says which bracket it is in, so that nobody has to count them; the shares are those of Hyperband (Li
 * et al. 2017, arXiv:1603.06560, algorithm 1), most in the strictest bracket. Trials are compared within theirs.
 */
export function hyperband({ first: given, eta = 3, brackets = 3, form = 'stopping' }: HyperbandOptions = {}): Pruner {
  if (!(Number.isInteger(brackets) && brackets >= 1))
    throw new TuneError('study/invalid', `hyperband({ brackets: ${brackets} }): a whole number from 1 is needed`)
  // What is wrong with its options is said where the study is defined, not at the first report.
  asha({ ...(given !== undefined && { first: given }), eta, form })
  const order = Array.from({ length: brackets }, (_, bracket) => bracket)
  const prunerOf = (bracket: number, { steps }: History) =>
    asha({ first: (given ?? firstRung(steps, eta)) * eta ** bracket, eta, form })
  const shares = order.map((bracket) => eta ** (brackets - 1 - bracket) / (brackets - bracket))
  const within = (history: History, bracket: number): History => {
    return { ...history, trials: history.trials.filter((trial) => bracketOf(shares, trial) === bracket) }
  }
  return {
    name: 'hyperband',
    judge(trial, history) {
      const bracket = bracketOf(shares, trial)
      const verdict = prunerOf(bracket, history).judge(trial, within(history, bracket))
      return verdict && inBracket(verdict, bracket, brackets)
    },
    ...(form === 'promotion' && {
      promote: (history: History, isLast: boolean) => {
        for (const bracket of order) {
          const promotion = prunerOf(bracket, history).promote?.(within(history, bracket), isLast)
          if (promotion) return inBracket(promotion, bracket, brackets)
        }
        return undefined
      },
    }),
  }
}

/** A trial's seed is as good as a hash of its number, and differs between studies. */
function bracketOf(shares: readonly number[], { seed }: Trial): number {
  let left = ((seed + 0.5) / 2 ** 31) * shares.reduce((sum, share) => sum + share, 0)
  const bracket = shares.findIndex((share) => (left -= share) < 0)
  return bracket === -1 ? shares.length - 1 : bracket
}

function inBracket<T extends { readonly reason: string; readonly numbers: Readonly<Record<string, number>> }>(
  decision: T,
  bracket: number,
  brackets: number,
): T {
  const reason = `${decision.reason}, in bracket ${bracket + 1} of ${brackets}`
  return { ...decision, reason, numbers: { ...decision.numbers, bracket } }
}
