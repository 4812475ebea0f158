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
  /** Does all tasks, a few at a time, and gives their results in the order of the tasks; throws what the first one that failed threw. */
  run(tasks: readonly Task[]): Promise<readonly TaskResult[]>
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
  const threads = Array.from({ length: workers }, () => new Worker(worker, { workerData: context }))
  return {
    async run(tasks) {
      const results: TaskResult[] = []
      const failures = new Map<number, unknown>()
      let next = 0
      // Tasks are taken in order: when one fails, all before it have been taken and will answer.
      const work = async (thread: Worker) => {
        while (next < tasks.length && failures.size === 0) {
          const index = next++
          try {
            results[index] = await ask(thread, tasks[index]!)
          } catch (error) {
            failures.set(index, error)
          }
        }
      }
      await Promise.all(threads.map(work))
      if (failures.size > 0) throw failures.get(Math.min(...failures.keys()))
      return results
    },
    async close() {
      await Promise.all(threads.map((thread) => thread.terminate()))
    },
  }
}

function alone(context: TaskContext): Crew {
  const perform = taskWorker(context)
  return { run: async (tasks) => tasks.map(perform), close: async () => {} }
}

async function ask(thread: Worker, task: Task): Promise<TaskResult> {
  const answering = once(thread, 'message') // rejects with what ends the thread
  thread.postMessage(task)
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
