import type { Difference } from '../eval/bootstrap.ts'
import { stream } from '../rng.ts'
import { shownEffects, spreadTrials } from '../search/effects.ts'
import { sobol } from '../search/sobol.ts'
import { decodeSpace, encodeSpace, spaceSpec } from '../space.ts'
import type { Study } from '../study.ts'
import { BASELINE, baselineOf, best, countStates, front, isBaselineAgain, lossAt } from '../trial.ts'
import type { Goal, History, Trial } from '../trial.ts'
import type { StudyEnd } from '../trials/driver.ts'
import { atBounds } from './bounds.ts'
import { count, duration, number, signed, wrap, wrapParams } from './format.ts'
import { levelsText } from './levels.ts'
import { brokenText, frontTable, lineTable } from './tables.ts'
import type { Terminal } from './terminal.ts'

/** What a finished run says of itself: the best against the baseline, what it cost, where the files are, what next. */
export interface SummaryInput {
  readonly study: Study
  readonly history: History
  /** Trials that this run ended, in so many seconds, and why it ended. */
  readonly ran: number
  readonly seconds: number
  readonly why: StudyEnd['why']
  readonly reason: string
  /** Files a reader may want, as they would type them. */
  readonly files: readonly string[]
  /** Commands to run next. */
  readonly next: readonly string[]
  /** The best against the baseline, image by image, on images that no decision looked at. */
  readonly heldOut?: Difference & { readonly images: number; readonly what: string }
}

export function summary(input: SummaryInput, terminal: Terminal): string {
  const { study, history } = input
  const winner = best(history)
  const sections = [
    ['', outcomeLine(input)],
    ...(winner ? winnerSections(input, winner, terminal) : [['best', 'none: no trial completed'] as const]),
    ...boundSections(study, winner),
    ['failed', failedText(history)],
    ['files', input.files.join('  ')],
    ['next', input.next.join('\n')],
  ] as const
  const text = sections.filter(([, body]) => body !== '').map(([label, body]) => section(label, body, terminal))
  return `${text.join('\n')}\n`
}

/** Labels stand in a column of their own. */
const INDENT = ' '.repeat(11)

/** A label in a column of its own, and what it is about beside it. */
export function section(label: string, body: string, terminal: Terminal): string {
  const lines = body.split('\n').map((line) => wrap(line, terminal.columns - INDENT.length, '  '))
  const [first = '', ...rest] = lines.join('\n').split('\n')
  return [terminal.paint('bold', label.padEnd(INDENT.length)) + first, ...rest.map((line) => INDENT + line)]
    .join('\n')
    .trimEnd()
}

function outcomeLine({ study, history: { trials }, ran, seconds, why, reason }: SummaryInput): string {
  const counts = countStates(trials)
  const parts = (['complete', 'pruned', 'failed', 'paused', 'interrupted'] as const)
    .filter((state) => counts[state] > 0)
    .map((state) => `${counts[state]} ${state}`)
  const all = parts.length > 0 ? ` (${parts.join(', ')})` : ''
  const now = ran < trials.length ? `, ${ran} of them now` : ''
  const end = why === 'budget' || why === 'interrupted' ? '' : `; ${reason}`
  return `${study.name}: ${count(trials.length, 'trial')}${now} in ${duration(seconds)}${all}${end}`
}

function winnerSections(
  input: SummaryInput,
  winner: Trial,
  terminal: Terminal,
): readonly (readonly [string, string])[] {
  const { study, history } = input
  const goal = history.goals[0]!
  const baseline = baselineOf(history)
  return [
    ['best', winnerText(goal, winner, baseline) + brokenText(history, winner)],
    ['held out', heldOutText(input, winner)],
    ['params', wrapParams(winner.params, terminal.columns - INDENT.length, '  ')],
    ['schedule', winner.from === undefined ? '' : lineTable(spaceSpec(study.space), history, winner)],
    ['front', frontText(history)],
    ['levels', study.sampler?.name === 'grid' ? levelsText(history, study.space) : ''],
    ['mattered', effectsText(history, study)],
    ['cost', costText(history)],
  ]
}

function winnerText(goal: Goal, winner: Trial, baseline: Trial | undefined): string {
  const value = resultOf(goal, winner)
  if (!baseline)
    return `${goal.metric} ${number(value)}, trial ${winner.number}; the baseline did not complete: no comparison`
  const start = resultOf(goal, baseline)
  if (winner.from !== undefined)
    return `${goal.metric} ${number(value)}, trial ${winner.number}, which others led to; the baseline, trained for its own steps alone, had ${number(start)}`
  if (winner === baseline) return `${goal.metric} ${number(value)}, the baseline (trial 0): nothing beat it`
  if (isBaselineAgain(winner, baseline))
    return `${goal.metric} ${number(value)}, trial ${winner.number}: the baseline's own configuration with another seed, so nothing beat it`
  return `${goal.metric} ${number(value)}, trial ${winner.number}: ${signed(value - start)} over the baseline's ${number(start)}`
}

function heldOutText({ heldOut }: SummaryInput, winner: Trial): string {
  if (!heldOut || winner.number === BASELINE || winner.from !== undefined) return ''
  const { difference, low, high, images, what } = heldOut
  const verdict = low > 0 || high < 0 ? '' : ', which cannot be told from no gain'
  const points = (fraction: number) => signed(100 * fraction)
  return `${points(difference)} ${what} over the baseline on ${images} images that decided nothing, 95 % interval ${points(low)} to ${points(high)}${verdict}. One seed each: retrain both before you rely on it`
}

function frontText(history: History): string {
  const goals = history.goals.map(({ metric }) => metric)
  return goals.length < 2 ? '' : frontTable(goals, front(history))
}

/** The trials that no result had a say in: all of some samplers, the even start of the others. */
function chosenBlindly(history: History, { sampler, seed, space }: Study): readonly Trial[] {
  if (sampler && ['random', 'sobol', 'grid'].includes(sampler.name)) return history.trials
  const rngOf = (number: number) => stream(seed, 'suggest', number)
  return spreadTrials(history, sobol(), rngOf, (point) => encodeSpace(space, decodeSpace(space, point)))
}

function effectsText(history: History, study: Study): string {
  const spread = chosenBlindly(history, study)
  const effects = shownEffects(history, spread, stream(study.seed, 'effects'))
  if (history.dims.length === 0) return ''
  const judged = spread.filter(({ reports }) => reports.length > 0)
  if (effects.length === 0)
    return `not known: ${count(judged.length, 'evenly spread trial')} with a report are too few to say`
  const shown = effects
    .filter((effect) => effect.isShown)
    .map(({ name, p }) => `${name} (p ${p < 0.001 ? '< 0.001' : number(p)})`)
  const others = effects.filter((effect) => !effect.isShown).map(({ name }) => name)
  const conditional = history.dims.filter(({ when }) => when).map(({ name }) => name)
  const untested = conditional.length ? `; not tested, being conditional: ${conditional.join(', ')}` : ''
  if (shown.length === 0)
    return `not shown for any of them by ${judged.length} evenly spread trials: ${others.join(', ')}${untested}`
  return `${shown.join(', ')}${others.length ? `; not shown: ${others.join(', ')}` : ''}${untested}`
}

function costText({ trials }: History): string {
  const steps = (some: readonly Trial[]) => some.reduce((sum, trial) => sum + trial.reports.length, 0)
  const complete = trials.filter(({ outcome }) => outcome.state === 'complete')
  const pruned = trials.filter(({ outcome }) => outcome.state === 'pruned')
  const full = Math.max(0, ...complete.map((trial) => trial.reports.length))
  const [spent, saved] = [steps(trials), Math.max(0, full * pruned.length - steps(pruned))]
  if (saved === 0) return count(spent, 'report')
  const share = Math.round((100 * saved) / (spent + saved))
  return `${spent} of ${spent + saved} reports: stopping weak trials early saved ${share} %`
}

/** Why trials failed, the commonest reason first. */
function failedText({ trials }: History): string {
  const reasons = new Map<string, number[]>()
  for (const { number, outcome } of trials) {
    if (outcome.state !== 'failed') continue
    reasons.set(outcome.message, [...(reasons.get(outcome.message) ?? []), number])
  }
  const sorted = [...reasons].toSorted(([, a], [, b]) => b.length - a.length)
  const lines = sorted.slice(0, 3).map(([message, numbers]) => `${trialsText(numbers)}: ${message}`)
  return [...lines, ...(sorted.length > 3 ? [`and for ${sorted.length - 3} more reasons`] : [])].join('\n')
}

function trialsText(numbers: readonly number[]): string {
  return numbers.length === 1 ? `trial ${numbers[0]}` : `${numbers.length} trials (the first is ${numbers[0]})`
}

/** Where the best lies at the edge of what was searched, the optimum may lie outside. */
function boundSections(study: Study, winner: Trial | undefined): readonly (readonly [string, string])[] {
  if (!winner) return []
  return atBounds(study, winner).map((text) => ['at bound', `${text}: the optimum may lie outside, widen the range`])
}

function resultOf(goal: Goal, trial: Trial): number {
  return goal.direction === 'minimize' ? lossAt(goal, trial) : -lossAt(goal, trial)
}
