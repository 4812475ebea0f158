import { parentPort } from 'node:worker_threads'
import { isTuneError, messageOf } from '../errors.ts'
import type { Answer, Order } from './crew.ts'
import { taskWorker, type Task } from './score_task.ts'

// The thread behind `openCrew`: one answer a task, in their order. An error is plain data, for a class does not cross.
let perform: ReturnType<typeof taskWorker> | undefined

parentPort?.on('message', (order: Order) => {
  if ('context' in order) perform = taskWorker(order.context)
  else {
    const answer = answerTo(order.task)
    parentPort?.postMessage(answer, 'result' in answer ? [answer.result.counts.buffer] : [])
  }
})

function answerTo(task: Task): Answer {
  if (!perform) return { bug: 'a task came before its context' }
  try {
    return { result: perform(task) }
  } catch (error) {
    if (isTuneError(error)) return { failure: { code: error.code, message: error.message, hint: error.hint } }
    return { bug: error instanceof Error ? (error.stack ?? error.message) : messageOf(error) }
  }
}
