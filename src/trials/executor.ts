import type { Params } from '../space.ts'
import type { Settings } from '../study.ts'
import type { Device } from '../trial.ts'

/** A place to run one trial at a time, and the hardware it owns. */
export interface Slot {
  readonly index: number
  readonly device: Device
}

/** One trial to run, as plain data: it crosses a thread. */
export interface Job {
  /** URL of the bundled study module, whose default export is the study. */
  readonly studyUrl: string
  readonly number: number
  readonly params: Params
  readonly seed: number
  readonly device: Device
  readonly maxSteps: number
  readonly dir: string
  /** Reports to go on after: see `TrialContext`. */
  readonly reported: number
  /** The directory of the trial to begin from the end of: see `TrialContext`. */
  readonly from?: string
  readonly settings: Settings
  /** What `prepare` gave. */
  readonly data: unknown
}

/** Runs objectives somewhere. */
export interface Executor {
  /** Those that can run trials: one whose worker hangs where nothing can end it is no more among them. */
  readonly slots: readonly Slot[]
  /**
   * What objectives get of what `prepare` gave: itself; a copy without functions, whose SharedArrayBuffers are shared; or
   * what it gives once more, to their own process. Then a job's `data` is what `bestOf` answered, by studies.
   */
  readonly data: 'itself' | 'shared' | 'prepared again'
  /**
   * What one trial yields, as it comes: whoever reads it checks it. The objective stands still between two reports. To
   * stop it, stop reading: its `finally` runs before `return()` resolves. `signal` asks it to end now; an objective that
   * does not within the grace period is ended by force. Throws what the objective threw, or a `TrialLostError`.
   */
  run(job: Job, slot: Slot, signal: AbortSignal): AsyncIterable<unknown>
  /** Ends what runs, and resolves when every worker has exited. */
  close(): Promise<void>
}
