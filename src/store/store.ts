import type { Json } from '../json.ts'
import type { Params, ParamSpec } from '../space.ts'
import type { Constraint, Device, Goal, History, Outcome, Report, Trial } from '../trial.ts'

/** What a store keeps of a study beside its trials: enough to see whether its file changed. */
export interface StudyRecord {
  readonly name: string
  readonly goals: readonly Goal[]
  readonly constraints: readonly Constraint[]
  readonly space: Readonly<Record<string, ParamSpec>>
  readonly settings: Readonly<Record<string, string | number | boolean>>
  readonly seed: number
  /** Reports of a trial that is not stopped early; null without a limit. Undefined: an older version did not store it. */
  readonly steps: number | null | undefined
  /** sha256 of the study file and the local files it imports. */
  readonly codeHash: string
}

/** A stored study, its trials, when it was written to, and its log. */
export interface StoredStudy {
  readonly record: StudyRecord
  readonly history: History
  /** Milliseconds since 1970 of its first trial's start and its last change. */
  readonly startedAt: number
  readonly updatedAt: number
  /** The log in the order it was written, read when it is asked for. */
  readonly events: () => readonly LoggedEvent[]
  /** The attempts at a trial in their order, read when they are asked for; none where an older version ran it. */
  readonly attempts: (trial: number) => readonly Attempt[]
}

/** One time that a trial was run: from its start, or from its checkpoint. */
export interface Attempt {
  readonly device: Device
  readonly host: string
  /** Milliseconds since 1970; null while it runs, or where its driver died. */
  readonly startedAt: number
  readonly endedAt: number | null
  /** A state, or the code of a failure; null while it runs. */
  readonly how: string | null
  readonly why: string | null
}

/** What happened that is neither a trial nor a report, such as `trial-judged`: a decision of the pruner. */
export interface LoggedEvent {
  readonly kind: string
  /** Milliseconds since 1970. */
  readonly at: number
  readonly [field: string]: Json
}

/** A trial to start: the next one or, when `number` is given, an interrupted or paused one again. */
export interface Start {
  readonly number?: number
  readonly params: Params
  readonly derived?: Params | undefined
  readonly seed: number
  readonly device: Device
  /** Why this trial. */
  readonly reason: string
  /** The trial to begin from the end of. One that goes on keeps its own. */
  readonly from?: number
}

/**
 * Remembers the trials of one study. `history` knows of each call once it returns, and whatever becomes of the process, so
 * does the store, but for reports in floods: of more than 20 in 100 ms, those of the last 100 ms may be lost with the
 * process, and their trials repeat them. What is stored reaches the disk within milliseconds, beside the event loop: a
 * power cut may undo the last of it, never in part. A trial whose end it undoes is run again, as the same trial.
 */
export interface StudyStore {
  /** All trials by number. A trial that a dead driver left running is `interrupted`. */
  history(): History
  /**
   * Starts a trial. One that goes on keeps its reports. Throws `store/taken` where another program, such as Optuna, has
   * just taken the one that is to go on: then there is another one to choose.
   */
  start(trial: Start): Trial
  report(number: number, report: Report): Trial
  /**
   * Says how a running trial ended or why it waits, or that a paused one is pruned; `seconds` is how long it ran this
   * time.
   */
  finish(number: number, outcome: Exclude<Outcome, { state: 'running' }>, seconds?: number): Trial
}

/** Remembers studies. One driver writes a study at a time; anyone may read meanwhile. */
export interface Store {
  /**
   * Opens a study for writing, creating it when it is new. Throws `study/changed` when trials are stored of one with
   * another definition, or with other code unless that is accepted; `store/locked` when another driver holds it.
   */
  open(study: StudyRecord, options?: { readonly acceptCodeChange?: boolean }): StudyStore
  /** All studies, as they are now. */
  list(): readonly StoredStudy[]
  /** Appends to the study's log what happened that is neither a trial nor a report. It is as safe as a report. */
  log(study: string, event: { readonly kind: string; readonly [field: string]: Json }): void
  close(): void
}
