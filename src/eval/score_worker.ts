import { parentPort, workerData } from 'node:worker_threads'
import { isTuneError, messageOf } from '../errors.ts'
import type { Answer } from './crew.ts'
import { taskWorker, type Task, type TaskContext } from './score_task.ts'

// The thread behind `openCrew`: one answer a task, in their order. An error is plain data, for a class does not cross.
const context: TaskContext = workerData
const perform = taskWorker(context)

parentPort?.on('message', (task: Task) => {
  const answer = answerTo(task)
  parentPort?.postMessage(answer, 'result' in answer ? [answer.result.counts.buffer] : [])
})

function answerTo(task: Task): Answer {
  try {
    return { result: perform(task) }
  } catch (error) {
    if (isTuneError(error)) return { failure: { code: error.code, message: error.message, hint: error.hint } }
    return { bug: error instanceof Error ? (error.stack ?? error.message) : messageOf(error) }
  }
}
