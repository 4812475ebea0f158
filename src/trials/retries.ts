import type { Failure, TrialCode } from '../trial.ts'

/**
 * How often a trial is run again after attempts that failed so. The others are its objective's own doing, and would
 * happen again. An interruption is no failure: it is never counted.
 */
const RETRIES: Partial<Record<TrialCode, number>> = {
  /** With fewer trials at once on its device. */
  'trial/oom': 1,
  /** Its worker died: that may say nothing of the trial, or everything. */
  'trial/lost': 3,
  /** A machine that slept takes a trial's time, too. */
  'trial/timeout': 1,
}

/**
 * Whether a trial is run again, from its last checkpoint, after an attempt that failed. `earlier` are the failures of the
 * attempts before; `hasAdvanced` says whether this one left a newer checkpoint than it began from: without, an attempt that
 * took too long would take as long again.
 */
export function isRunAgain({ code }: Failure, earlier: readonly Failure[], hasAdvanced: boolean): boolean {
  if (code === 'trial/timeout' && !hasAdvanced) return false
  return earlier.filter((failure) => failure.code === code).length < (RETRIES[code] ?? 0)
}
