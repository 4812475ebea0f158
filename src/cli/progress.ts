import type { StudyEvent } from '../event.ts'
import { BASELINE, best, type Goal, type Trial } from '../trial.ts'
import { duration, number, paramsLine, signed, width } from './format.ts'
import type { Style, Terminal } from './terminal.ts'

/** What a reporter is: told every event, and told when there will be no more. */
export interface Reporter {
  tell(event: StudyEvent): void
  close(): void
}

type Write = (text: string) => void

/** One plain line per change: for pipes, logs and CI. */
export function lineReporter(write: Write, terminal: Terminal): Reporter {
  const board = scoreboard()
  return {
    tell(event) {
      board.tell(event)
      const line = eventLine(event, board, terminal)
      if (line !== undefined) write(`${line}\n`)
    },
    close: () => undefined,
  }
}

/** Finished trials scroll by; below them a few lines say how the study stands, redrawn at most four times a second. */
export function liveReporter(write: Write, terminal: Terminal): Reporter {
  const board = scoreboard()
  let shown = 0
  const erase = () => {
    if (shown > 0) write(`\u001B[${shown}A\u001B[J`)
    shown = 0
  }
  const draw = () => {
    erase()
    const lines = boardLines(board, terminal).map((line) => clip(line, terminal.columns))
    write(lines.map((line) => `${line}\n`).join(''))
    shown = lines.length
  }
  const timer = setInterval(draw, 250)
  return {
    tell(event) {
      board.tell(event)
      if (event.kind === 'trial-started' || event.kind === 'trial-reported') return
      const line = eventLine(event, board, terminal)
      if (line === undefined) return
      erase()
      write(`${line}\n`)
      if (event.kind !== 'study-ended') draw()
    },
    close() {
      clearInterval(timer)
      erase()
    },
  }
}

/** What both reporters remember of the stream. */
interface Scoreboard {
  tell(event: StudyEvent): void
  readonly goal: Goal
  readonly running: ReadonlyMap<number, Trial>
  readonly ended: readonly Trial[]
  readonly total: number
  readonly steps: number | undefined
  readonly startedAt: number
  readonly endedBefore: number
}

function scoreboard(): Scoreboard {
  const running = new Map<number, Trial>()
  const ended: Trial[] = []
  const board = {
    goal: { direction: 'maximize', metric: '' } as Goal,
    running,
    ended,
    total: 0,
    steps: undefined as number | undefined,
    startedAt: 0,
    endedBefore: 0,
    tell(event: StudyEvent) {
      if (event.kind === 'study-started') {
        board.goal = event.goals[0]!
        board.total = event.trials
        board.steps = event.steps
        board.startedAt = event.at
        board.endedBefore = event.ended
      } else if (event.kind === 'trial-started' || event.kind === 'trial-reported') {
        running.set(event.trial.number, event.trial)
      } else if (event.kind === 'trial-ended') {
        running.delete(event.trial.number)
        if (event.outcome.state !== 'interrupted') ended.push(event.trial)
      }
    },
  }
  return board
}

function eventLine(event: StudyEvent, board: Scoreboard, terminal: Terminal): string | undefined {
  switch (event.kind) {
    case 'study-started': {
      const { direction, metric } = event.goals[0]!
      const more =
        event.ended > 0 ? `continues after ${event.ended} of ${event.trials} trials` : `${event.trials} trials`
      return `${terminal.paint('bold', event.study)}  ${direction} ${metric}, ${more}, ${event.slots} slot${event.slots === 1 ? '' : 's'}`
    }
    case 'preparing':
      return event.message
    case 'warning':
      return `${terminal.paint('yellow', 'warning')}  ${event.message}`
    case 'trial-started':
      return `trial ${event.trial.number} started${event.again ? ' again' : ''}  ${paramsLine(event.trial.params)}`
    case 'trial-reported':
      return `trial ${event.trial.number} step ${event.report.step}  ${metricText(board.goal, event.report.metrics)}`
    case 'trial-ended':
      return endedLine(event, board, terminal)
    case 'study-ended':
      return undefined
  }
}

const marks = {
  complete: { unicode: '✓', ascii: '+', style: 'green' },
  pruned: { unicode: '◐', ascii: '-', style: 'dim' },
  failed: { unicode: '✗', ascii: 'x', style: 'red' },
  interrupted: { unicode: '↻', ascii: '~', style: 'yellow' },
  running: { unicode: '●', ascii: '*', style: 'cyan' },
} as const satisfies Record<Trial['outcome']['state'], { unicode: string; ascii: string; style: Style }>

/** A state's sign, in colour where there is colour; the word always stands beside it. */
export function mark(state: Trial['outcome']['state'], terminal: Terminal): string {
  const { unicode, ascii, style } = marks[state]
  return terminal.paint(style, terminal.unicode ? unicode : ascii)
}

function endedLine(event: Extract<StudyEvent, { kind: 'trial-ended' }>, board: Scoreboard, terminal: Terminal): string {
  const { trial, outcome } = event
  const name = `${mark(outcome.state, terminal)} trial ${trial.number} ${outcome.state}`
  if (outcome.state !== 'complete') return `${name}  ${event.reason}`
  const isBest = best({ goals: [board.goal], trials: board.ended })?.number === trial.number
  const note =
    trial.number === BASELINE ? '  (the baseline)' : isBest ? `  ${terminal.paint('bold', 'best so far')}` : ''
  return `${name}  ${metricText(board.goal, trial.reports.at(-1)?.metrics)}${note}`
}

function boardLines(board: Scoreboard, terminal: Terminal): readonly string[] {
  const done = board.endedBefore + board.ended.length
  const seconds = (Date.now() - board.startedAt) / 1000
  const left = board.ended.length > 0 ? ((board.total - done) / board.ended.length) * seconds : Number.NaN
  const pruned = board.ended.filter((trial) => trial.outcome.state === 'pruned').length
  const time = Number.isFinite(left) ? `, about ${duration(left)} left` : ''
  const head = `${bar(done / Math.max(1, board.total), terminal)} ${done} of ${board.total} trials, ${pruned} pruned${time}`
  const running = [...board.running.values()].map((trial) => {
    const step = `${trial.reports.length}${board.steps ? `/${board.steps}` : ''}`
    return `${mark('running', terminal)} trial ${trial.number}  step ${step}  ${metricText(board.goal, trial.reports.at(-1)?.metrics)}`
  })
  const winner = best({ goals: [board.goal], trials: board.ended })
  const baseline = board.ended.find((trial) => trial.number === BASELINE)
  return [head, ...(winner ? [bestLine(board.goal, winner, baseline, terminal)] : []), ...running]
}

function bestLine({ metric }: Goal, winner: Trial, baseline: Trial | undefined, terminal: Terminal): string {
  const value = winner.reports.at(-1)!.metrics[metric]!
  const start = baseline?.reports.at(-1)?.metrics[metric]
  const difference = start === undefined || winner === baseline ? '' : `  ${signed(value - start)} over the baseline`
  return `${terminal.paint('bold', `best ${metric} ${number(value)}`)} trial ${winner.number}${difference}`
}

function metricText({ metric }: Goal, metrics: Readonly<Record<string, number>> | undefined): string {
  const value = metrics?.[metric]
  return value === undefined ? '' : `${metric} ${number(value)}`
}

function bar(share: number, terminal: Terminal): string {
  const cells = 16
  const full = Math.round(Math.min(1, share) * cells)
  const [on, off] = terminal.unicode ? ['━', '─'] : ['#', '.']
  return terminal.paint('cyan', on.repeat(full)) + terminal.paint('dim', off.repeat(cells - full))
}

/** A line cut to the columns, colours kept whole. */
function clip(line: string, columns: number): string {
  if (width(line) <= columns) return line
  let left = columns - 1
  // oxlint-disable-next-line no-control-regex
  const parts = line.split(/(\u001B\[\d+m)/)
  const kept = parts.map((part) => {
    if (part.startsWith('\u001B')) return part
    const piece = [...part].slice(0, left).join('')
    left -= [...piece].length
    return piece
  })
  return kept.join('')
}
