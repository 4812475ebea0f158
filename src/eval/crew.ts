import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { TuneError, type ErrorCode } from '../errors.ts'
import { taskWorker, type Task, type TaskContext, type TaskResult } from './score_task.ts'

export interface CrewOptions {
  /** Threads. Default 1: this one. */
  readonly workers?: number
  /** The built module of the threads, where it does not lie beside this one: for bundles. */
  readonly worker?: URL
}

/** Threads that do tasks. */
export interface Crew {
  readonly size: number
  /** Says what the tasks from now on are about. */
  begin(context: TaskContext): void
  /**
   * Does tasks 0 to `count`, made when their turn comes, a few at a time; gives their results in that order. Throws what
   * the first that failed threw.
   */
  run(count: number, taskAt: (index: number) => Task): AsyncIterable<TaskResult>
  close(): Promise<void>
}

/** What is sent to a thread. */
export type Order = { readonly context: TaskContext } | { readonly task: Task }

/** What a thread says about a task: its result, a mistake of the user, or a bug of ours with its stack. */
export type Answer =
  | { readonly result: TaskResult }
  | { readonly failure: { readonly code: ErrorCode; readonly message: string; readonly hint: string | undefined } }
  | { readonly bug: string }

/** Opens so many threads. They start while this one goes on. Close them. */
export function openCrew({ workers = 1, worker = workerFile }: CrewOptions = {}): Crew {
  if (workers <= 1) return alone()
  const threads = Array.from({ length: workers }, () => startThread(worker))
  return {
    size: workers,
    begin(context) {
      for (const { port } of threads) port.postMessage({ context } satisfies Order, [])
    },
    async *run(all, taskAt) {
      let count = all
      const answers = new Map<number, Promise<TaskResult>>()
      let next = 0
      const feed = (thread: Thread): void => {
        if (next === count) return
        const answer = ask(thread, taskAt(next))
        answers.set(next++, answer)
        answer.then(
          () => feed(thread),
          () => (count = next), // tasks are taken in order: all before it have been taken, and none is after it
        )
      }
      for (const thread of threads) feed(thread)
      for (let i = 0; i < count; i++) {
        yield (await answers.get(i))!
        answers.delete(i)
      }
    },
    async close() {
      await Promise.all(threads.map(({ port }) => port.terminate()))
    },
  }
}

function alone(): Crew {
  let perform: ReturnType<typeof taskWorker> | undefined
  return {
    size: 1,
    begin(context) {
      perform = taskWorker(context)
    },
    async *run(count, taskAt) {
      if (!perform) throw new Error('a task came before its context')
      for (let i = 0; i < count; i++) yield perform(taskAt(i))
    },
    close: async () => {},
  }
}

interface Thread {
  readonly port: Worker
  /** What ended it, where nobody was waiting for an answer. */
  error?: unknown
}

/** Pixels of an image live for a moment, outside the heap: they go when the youngest generation is swept, so it is small. */
const YOUNG_MB = 2

function startThread(worker: URL): Thread {
  const thread: Thread = { port: new Worker(worker, { resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB } }) }
  thread.port.on('error', (error) => (thread.error = error))
  return thread
}

async function ask({ port, error }: Thread, task: Task): Promise<TaskResult> {
  if (error !== undefined) throw error
  const answering = once(port, 'message') // rejects with what ends the thread
  port.postMessage({ task } satisfies Order, [])
  const [answer]: Answer[] = await answering
  if (!answer || 'bug' in answer) throw new Error(`a scoring thread failed: ${answer?.bug ?? 'it gave no answer'}`)
  if ('result' in answer) return answer.result
  const { code, message, hint } = answer.failure
  throw new TuneError(code, message, hint === undefined ? {} : { hint })
}

/** Threads run JavaScript: from the sources, as tests do, the built module is taken. */
const workerFile = new URL(
  import.meta.url.endsWith('.ts') ? '../../dist/eval/score_worker.js' : './score_worker.js',
  import.meta.url,
)
