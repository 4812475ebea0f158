import type { Goal, Outcome, Report, Trial } from './trial.ts'

/** Everything that can happen while a study runs. Progress, `--json` and the log are formatters of this one stream. */
export type StudyEvent =
  | {
      readonly kind: 'study-started'
      readonly study: string
      readonly goals: readonly Goal[]
      /** Trials that are stored already: more than 0 when a study continues. */
      readonly ended: number
      readonly trials: number
      readonly steps: number | undefined
      readonly slots: number
      readonly at: number
    }
  | { readonly kind: 'preparing'; readonly message: string; readonly at: number }
  | {
      readonly kind: 'trial-started'
      readonly trial: Trial
      readonly slot: number
      readonly again: boolean
      readonly at: number
    }
  | { readonly kind: 'trial-reported'; readonly trial: Trial; readonly report: Report; readonly at: number }
  | {
      readonly kind: 'trial-ended'
      readonly trial: Trial
      readonly outcome: Outcome
      readonly reason: string
      readonly at: number
    }
  | { readonly kind: 'warning'; readonly message: string; readonly at: number }
  | {
      readonly kind: 'study-ended'
      readonly study: string
      readonly why:
        | 'budget'
        | 'exhausted'
        | 'failures'
        | 'interrupted'
        | 'target'
        | 'settled'
        | 'hours'
        | 'device-hours'
      /** The same in a sentence without its subject, which is the study. */
      readonly reason: string
      readonly trials: readonly Trial[]
      readonly seconds: number
      readonly at: number
    }
