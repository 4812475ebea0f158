import { parentPort, workerData } from 'node:worker_threads'
import { isTuneError, messageOf } from '../errors.ts'
import { auto } from '../search/auto.ts'
import type { Study } from '../study.ts'
import type { Trial } from '../trial.ts'
import { suggest } from '../trials/suggest.ts'
import type { Question, Reply, Terms, ThreadData } from './advice_thread.ts'

// The thread behind `openAdviceThread`: one reply a question.
const { url, seed }: ThreadData = workerData
const { default: defined } = (await import(url)) as { readonly default: Study }
const study = { ...defined, seed }
const sampler = study.sampler ?? auto()
const trials = new Map<number, Trial>()
let known: Terms = { dims: [], goals: [] }

parentPort?.on('message', (question: Question) => parentPort?.postMessage(replyTo(question), []))

function replyTo({ number, terms = known, changed, gone }: Question): Reply {
  known = terms
  for (const trial of changed) trials.set(trial.number, trial)
  for (const number of gone) trials.delete(number)
  const ordered = [...trials.values()].toSorted((a, b) => a.number - b.number)
  try {
    return { advice: suggest(study, sampler, { ...terms, trials: ordered }, number) }
  } catch (error) {
    const { code, hint } = isTuneError(error) ? error : {}
    return { error: { message: messageOf(error), ...(code && { code }), ...(hint !== undefined && { hint }) } }
  }
}
