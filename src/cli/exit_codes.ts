import type { ErrorCode } from '../errors.ts'

/**
 * What the command line exits with: 0 where it did what it was asked to; 130 after Ctrl-C and 143 after SIGTERM, with
 * everything stored.
 */
export const EXIT = {
  finished: 0,
  bug: 1,
  usage: 2,
  study: 3,
  /** A device, data, a disk or a file is not as it has to be. */
  environment: 4,
  /** Too many trials failed, or none completed. */
  failures: 5,
  changed: 6,
  /** Another process holds the study, or what it needs. */
  held: 7,
  /** What was to be checked does not hold. */
  check: 8,
} as const

/** What a mistake of each kind exits with. */
export const EXIT_OF: Readonly<Record<ErrorCode, number>> = {
  usage: EXIT.usage,
  'settings/unknown': EXIT.usage,
  'study/unknown': EXIT.usage,
  'study/invalid': EXIT.study,
  'space/invalid': EXIT.study,
  'params/invalid': EXIT.study,
  'model/invalid': EXIT.study,
  'study/changed': EXIT.changed,
  'data/missing': EXIT.environment,
  'data/invalid': EXIT.environment,
  'checkpoint/invalid': EXIT.environment,
  'device/none': EXIT.environment,
  'device/busy': EXIT.environment,
  'store/invalid': EXIT.environment,
  'store/newer': EXIT.environment,
  'results/unwritable': EXIT.environment,
  'store/locked': EXIT.held,
  'store/taken': EXIT.held,
}
