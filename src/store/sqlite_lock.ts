import { TuneError } from '../errors.ts'
import { lockFile } from '../results.ts'
import { takeLock, type KernelLock } from './kernel_lock.ts'

/** Takes a study for this process: its one driver. */
export function lockStudy(results: string, study: string): KernelLock {
  const lock = takeLock(lockFile(results, study))
  if (lock) return lock
  throw new TuneError('store/locked', `study '${study}' is being run by another process`, {
    hint: `wait for it or stop it; 'tune status' shows how far it is, and --name ${study}-2 starts another study`,
  })
}
