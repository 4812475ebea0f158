import type { StudyEvent } from '../event.ts'
import { hasEnded, type Goal, type Trial } from '../trial.ts'

/** How a study stands, from the stream of its events: what progress is shown of. */
export interface Scoreboard {
  tell(event: StudyEvent): void
  readonly goal: Goal
  readonly running: ReadonlyMap<number, Trial>
  /** Those of earlier runs, and then those of this one as they ended. */
  readonly ended: readonly Trial[]
  readonly earlier: number
  /** The budget. */
  readonly total: number
  readonly steps: number | undefined
  /** Milliseconds since 1970 at which this run's first trial started, and at which its last one ended. */
  readonly startedAt: number | undefined
  readonly endedAt: number | undefined
}

/** A board that knows what ended in earlier runs. */
export function scoreboard(trials: readonly Trial[]): Scoreboard {
  const running = new Map<number, Trial>()
  const ended = trials.filter(hasEnded)
  const board = {
    goal: { direction: 'maximize', metric: '' } as Goal,
    running,
    ended,
    earlier: ended.length,
    total: 0,
    steps: undefined as number | undefined,
    startedAt: undefined as number | undefined,
    endedAt: undefined as number | undefined,
    tell(event: StudyEvent) {
      switch (event.kind) {
        case 'study-started':
          board.goal = event.goals[0]!
          board.total = event.trials
          board.steps = event.steps
          break
        case 'trial-started':
          board.startedAt ??= event.at
          running.set(event.trial.number, event.trial)
          break
        case 'trial-reported':
          running.set(event.trial.number, event.trial)
          break
        case 'trial-ended':
          running.delete(event.trial.number)
          if (!hasEnded(event.trial)) break
          ended.push(event.trial)
          board.endedAt = event.at
      }
    },
  }
  return board
}

/** Seconds until the budget is spent, if the rest takes as long each as what this run has ended; undefined before that. */
export function secondsLeft(
  { startedAt, endedAt, ended, earlier, total }: Scoreboard,
  now: number,
): number | undefined {
  if (startedAt === undefined || endedAt === undefined) return undefined
  const each = (endedAt - startedAt) / (ended.length - earlier)
  return Math.max(0, each * (total - ended.length) - (now - endedAt)) / 1000
}
