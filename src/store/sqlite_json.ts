import { TuneError } from '../errors.ts'
import type { Db } from './db.ts'
import type { Shape } from './shapes.ts'

/** Nothing that we write is longer: a report of a program is a line of 1 MiB at most. In characters. */
const MOST_JSON = 2 ** 22

/** A column of JSON that we wrote: its shape is ours, but a file that is damaged, or means harm, may hold anything. */
export function parsed<T>(db: Db, json: unknown, is: Shape<T>): T {
  if (typeof json !== 'string' || json.length > MOST_JSON) throw damaged(db, 'a cell that should hold JSON does not')
  const value = valueOf(db, json)
  if (is(value)) return value
  throw damaged(db, `${json.slice(0, 40)} is not what should be there`)
}

/** A time in milliseconds since 1970 that a date can be made of. */
export function time(db: Db, at: number): number {
  if (Math.abs(at) <= 8.64e15) return at
  throw damaged(db, `${at} is no time`)
}

function valueOf(db: Db, json: string): unknown {
  try {
    return JSON.parse(json)
  } catch (error) {
    throw damaged(db, `${json.slice(0, 40)} is no JSON`, error)
  }
}

export function damaged({ name }: Db, what: string, cause?: unknown): TuneError {
  return new TuneError('store/invalid', `${name} is damaged: ${what}`, {
    hint: 'move it away or restore a copy of it; or choose another directory by --results DIR',
    cause,
  })
}
