import type { History, Trial } from '../trial.ts'

/** Decides, after each report but a trial's last, whether it is worth going on. Pure. */
export interface Pruner {
  readonly name: string
  /** False stops the trial. `trial` is the one in `history` with its newest report; the baseline is never asked about. */
  keep(trial: Trial, history: History): boolean
}
