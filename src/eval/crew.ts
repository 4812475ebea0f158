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
  /**
   * Does tasks 0 to `count`, made when their turn comes, a few at a time; gives their results in that order. Throws what
   * the first that failed threw.
   */
  run(count: number, taskAt: (index: number) => Task): AsyncIterable<TaskResult>
  /** Lets all threads see an eval set. */
  share(memory: SharedArrayBuffer): Promise<void>
  readonly size: number
  close(): Promise<void>
}

/** What a thread says about a task: its result, a mistake of the user, or a bug of ours with its stack. */
export type Answer =
  | { readonly result: TaskResult }
  | { readonly failure: { readonly code: ErrorCode; readonly message: string; readonly hint: string | undefined } }
  | { readonly bug: string }

/** Opens so many threads that share `context`. Close it. */
export function openCrew(context: TaskContext, { workers = 1, worker = workerFile }: CrewOptions = {}): Crew {
  if (workers <= 1) return alone(context)
  const threads = Array.from({ length: workers }, () => {
    const thread = new Worker(worker, { workerData: context, resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB } })
    // What ends a thread is told to whom it was to answer; one without a task has nobody to tell.
    return thread.on('error', () => undefined)
  })
  return {
    size: workers,
    async share(memory) {
      await Promise.all(threads.map((thread) => ask(thread, { kind: 'share', memory })))
    },
    async *run(all, taskAt) {
      let count = all
      const answers = new Map<number, Promise<TaskResult>>()
      let next = 0
      const feed = (thread: Worker): void => {
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
      await Promise.all(threads.map((thread) => thread.terminate()))
    },
  }
}

/** Pixels of an image live for a moment, outside the heap: they go when the youngest generation is swept, so it is small. */
const YOUNG_MB = 2

function alone(context: TaskContext): Crew {
  const perform = taskWorker(context)
  return {
    size: 1,
    async share(memory) {
      perform({ kind: 'share', memory })
    },
    async *run(count, taskAt) {
      for (let i = 0; i < count; i++) yield perform(taskAt(i))
    },
    close: async () => {},
  }
}

async function ask(thread: Worker, task: Task): Promise<TaskResult> {
  const answering = once(thread, 'message') // rejects with what ends the thread
  thread.postMessage(task, [])
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
