import { Worker } from 'node:worker_threads'
import { TuneError, type ErrorCode } from '../errors.ts'
import type { Study } from '../study.ts'
import type { History, Trial } from '../trial.ts'
import type { AdviceThread } from '../trials/adviser.ts'
import type { Advice } from '../trials/suggest.ts'

/** What the thread is told when it starts. */
export interface ThreadData {
  /** URL of the bundled study module. */
  readonly url: string
  readonly seed: number
}

/** A question: what changed in the history since the last. */
export interface Question {
  readonly number: number
  /** Samplers remember by these objects what they worked out of a study: they stay the same ones. */
  readonly terms?: Terms
  readonly changed: readonly Trial[]
  readonly gone: readonly number[]
}

export type Terms = Pick<History, 'dims' | 'goals' | 'constraints'>

export type Reply =
  | { readonly advice: Advice | undefined }
  | { readonly error: { readonly message: string; readonly code?: ErrorCode; readonly hint?: string } }

const NONE: readonly never[] = []

/** Starts a thread that suggests as the study of that module does: by its sampler, or by the default. */
export function openAdviceThread(url: string, { seed }: Study): AdviceThread {
  const worker = new Worker(workerFile, { workerData: { url, seed } satisfies ThreadData })
  worker.unref()
  const ask = askerOf(worker)
  const sent = new Map<number, Trial>()
  let terms: Terms | undefined
  return {
    ask: ({ dims, goals, constraints = NONE, trials }, number) => {
      const present = new Set(trials.map((trial) => trial.number))
      const changed = trials.filter((trial) => sent.get(trial.number) !== trial)
      const gone = [...sent.keys()].filter((number) => !present.has(number))
      for (const trial of changed) sent.set(trial.number, trial)
      for (const number of gone) sent.delete(number)
      if (terms?.dims === dims && terms.goals === goals && terms.constraints === constraints) return ask({ number, changed, gone }) // prettier-ignore
      terms = { dims, goals, constraints }
      return ask({ number, terms, changed, gone })
    },
    close: async () => void (await worker.terminate()),
  }
}

/** Asks questions, whose answers come in their order: another may be asked before one is answered. */
function askerOf(worker: Worker): (question: Question) => Promise<Advice | undefined> {
  const waiting: { resolve(advice: Advice | undefined): void; reject(error: Error): void }[] = []
  let end: Error | undefined
  const endBy = (error: Error) => {
    end ??= error
    for (const { reject } of waiting.splice(0)) reject(end)
  }
  worker.on('message', (reply: Reply) => {
    const asked = waiting.shift()
    if ('advice' in reply) asked?.resolve(reply.advice)
    else asked?.reject(errorOf(reply.error))
  })
  worker.on('error', endBy)
  // Without an error: a sampler, or what its study file imports, has called process.exit.
  worker.on('exit', (code) => endBy(new Error(`it ended with exit code ${code}`)))
  return (question) => {
    if (end) return Promise.reject(end)
    return new Promise((resolve, reject) => {
      waiting.push({ resolve, reject })
      worker.postMessage(question, [])
    })
  }
}

function errorOf({ message, code, hint }: Extract<Reply, { error: unknown }>['error']): Error {
  return code === undefined ? new Error(message) : new TuneError(code, message, hint === undefined ? {} : { hint })
}

/** Threads run JavaScript: from the sources, as the tests do, the built worker is taken. */
const workerFile = new URL(
  import.meta.url.endsWith('.ts') ? '../../dist/ask/advice_worker.js' : './advice_worker.js',
  import.meta.url,
)
