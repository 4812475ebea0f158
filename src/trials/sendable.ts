import { messageOf, TuneError } from '../errors.ts'
import type { Study } from '../study.ts'
import type { Executor } from './executor.ts'
import type { Sources } from './sources.ts'

/** What a job is handed: what `prepare` gave or, where its process runs that again, the checkpoints that it asked for. */
export function dataFor({ data: way }: Executor, data: unknown, { files }: Pick<Sources, 'files'>): unknown {
  return way === 'prepared again' ? files() : data
}

/** Refuses what a study's `prepare` gave where its trials could not be handed it. SharedArrayBuffers are not copied here. */
export function checkSendable({ data: way }: Executor, { name }: Study, data: unknown): void {
  if (way !== 'shared') return
  try {
    structuredClone(data)
  } catch (cause) {
    throw new TuneError(
      'study/invalid',
      `${name}: its prepare returned something that cannot be sent to a worker: ${messageOf(cause)}`,
      { hint: "return plain data and typed arrays, or write executor: 'processes'", cause },
    )
  }
}
