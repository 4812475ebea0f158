import type { StudyEvent } from '../event.ts'
import { BASELINE, best, type Trial } from '../trial.ts'
import { count, duration, metricText, number, paramsLine, signed, wrap } from './format.ts'
import { bar, clip, mark } from './marks.ts'
import { scoreboard, secondsLeft, type Scoreboard } from './scoreboard.ts'
import type { Print, Terminal } from './terminal.ts'

/** What a reporter is: told every event, and told when there will be no more. */
export interface Reporter {
  tell(event: StudyEvent): void
  /** A line that is no event, where it disturbs nothing. */
  say(text: string): void
  close(): void
}

const REDRAW_MS = 250

/** One plain line per change: for pipes, logs and CI. */
export function lineReporter(print: Print, terminal: Terminal, earlier: readonly Trial[] = []): Reporter {
  const board = scoreboard(earlier)
  return {
    tell(event) {
      board.tell(event)
      const line = eventLine(event, board, terminal)
      if (line !== undefined) print(`${line}\n`)
    },
    say: (text) => print(`${text}\n`),
    close: () => undefined,
  }
}

/** Ended trials scroll by; below them a few lines say how the study stands, redrawn four times a second. */
export function liveReporter(print: Print, terminal: Terminal, earlier: readonly Trial[] = []): Reporter {
  const board = scoreboard(earlier)
  let shown = 0
  // Each frame is one write, so that no half of it is ever seen.
  const replace = (text: string, lines: readonly string[]) => {
    print(text + lines.map((line) => `${line}\n`).join(''), shown)
    shown = lines.length
  }
  // Until a trial runs, the screen belongs to what the study says while it prepares.
  const frame = () => (board.startedAt === undefined ? [] : boardLines(board, terminal))
  const timer = setInterval(() => replace('', frame()), REDRAW_MS)
  return {
    tell(event) {
      board.tell(event)
      if (event.kind === 'trial-started' || event.kind === 'trial-reported') return
      const line = eventLine(event, board, terminal)
      if (line !== undefined) replace(`${line}\n`, frame())
    },
    say: (text) => replace(`${wrap(text, terminal.columns, '  ')}\n`, frame()),
    close() {
      clearInterval(timer)
      if (shown > 0) replace('', [])
    },
  }
}

function eventLine(event: StudyEvent, board: Scoreboard, terminal: Terminal): string | undefined {
  switch (event.kind) {
    case 'study-started':
      return startedLine(event, terminal)
    case 'preparing':
      return event.message
    case 'warning':
      return `${terminal.paint('yellow', 'warning')}  ${event.message}`
    case 'trial-started':
      return `trial ${event.trial.number} ${startedText(event)}  ${paramsLine(event.trial.params)}`
    case 'trial-reported':
      return `trial ${event.trial.number} step ${event.report.step}  ${metricText(board.goal, event.report.metrics, terminal)}`
    case 'trial-ended':
      return endedLine(event, board, terminal)
    case 'study-ended':
      return undefined
  }
}

function startedLine(event: Extract<StudyEvent, { kind: 'study-started' }>, terminal: Terminal): string {
  const goals = event.goals.map(({ direction, metric }) => `${direction} ${metric}`).join(', ')
  const trials = count(event.trials, 'trial')
  const size = event.ended > 0 ? `continues after ${event.ended} of ${trials}` : trials
  return `${terminal.paint('bold', event.study)}  ${goals}, ${size}, ${count(event.slots, 'slot')}`
}

function startedText({ again, trial: { reports } }: Extract<StudyEvent, { kind: 'trial-started' }>): string {
  if (reports.length > 0) return `goes on after step ${reports.length}`
  return again ? 'started again' : 'started'
}

function endedLine(event: Extract<StudyEvent, { kind: 'trial-ended' }>, board: Scoreboard, terminal: Terminal): string {
  const { trial, outcome, reason } = event
  const result = metricText(board.goal, trial.reports.at(-1)?.metrics, terminal)
  const name = `${mark(outcome.state, terminal)} trial ${trial.number} ${outcome.state}`
  switch (outcome.state) {
    case 'complete': {
      const isBest = best({ goals: [board.goal], trials: board.ended })?.number === trial.number
      const note = isBest ? `  ${terminal.paint('bold', 'best so far')}` : ''
      return `${name}  ${result}${trial.number === BASELINE ? '  (the baseline)' : note}`
    }
    case 'pruned':
    case 'paused':
      return `${name}  ${result}  ${reason}`
    case 'interrupted':
      return outcome.after ? `${name}  ${reason}: it is run again` : `${name}  it goes on when the study continues`
    default:
      return `${name}  ${reason}`
  }
}

function boardLines(board: Scoreboard, terminal: Terminal): readonly string[] {
  const { ended, goal, running, total } = board
  const pruned = ended.filter(({ outcome }) => outcome.state === 'pruned').length
  const left = secondsLeft(board, Date.now())
  const time = left === undefined ? '' : `, about ${duration(left)} left`
  const head = `${bar(ended.length / Math.max(1, total), terminal)} ${ended.length} of ${count(total, 'trial')}, ${pruned} pruned${time}`
  const winner = best({ goals: [goal], trials: ended })
  const room = Math.max(1, terminal.rows - 5)
  const trials = [...running.values()].slice(0, room).map((trial) => runningLine(trial, board, terminal))
  const more = running.size > room ? [`and ${running.size - room} more running`] : []
  const lines = [head, ...(winner ? [bestLine(winner, board, terminal)] : []), ...trials, ...more]
  return lines.map((line) => clip(line, terminal))
}

function runningLine(trial: Trial, { goal, steps }: Scoreboard, terminal: Terminal): string {
  const step = `${trial.reports.length}${steps === undefined ? '' : `/${steps}`}`
  const result = metricText(goal, trial.reports.at(-1)?.metrics, terminal)
  return `${mark('running', terminal)} trial ${trial.number}  step ${step}  ${result || paramsLine(trial.params)}`
}

function bestLine(winner: Trial, { goal: { metric }, ended }: Scoreboard, terminal: Terminal): string {
  const baseline = ended.find(({ number }) => number === BASELINE)
  const value = winner.reports.at(-1)?.metrics[metric] ?? Number.NaN
  const start = baseline?.reports.at(-1)?.metrics[metric]
  const difference = start === undefined || winner === baseline ? '' : `  ${signed(value - start)} over the baseline`
  return `${terminal.paint('bold', `best ${metric} ${number(value)}`)}  trial ${winner.number}${difference}`
}
