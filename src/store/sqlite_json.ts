import { TuneError } from '../errors.ts'
import type { Db } from './db.ts'

/** A column of JSON that we wrote: its shape is ours, but a damaged file may hold anything. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the one place where stored JSON gets its type
export function parsed<T>(db: Db, json: string): T {
  try {
    return JSON.parse(json) as T
  } catch (error) {
    throw new TuneError('store/invalid', `${db.name} is damaged: ${json.slice(0, 40)} is no JSON`, {
      hint: 'move it away or restore a copy of it; or choose another directory by --results DIR',
      cause: error,
    })
  }
}
