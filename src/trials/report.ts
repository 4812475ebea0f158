import { inspect } from 'node:util'
import { isTuneError } from '../errors.ts'
import type { Goal, Metrics, Outcome } from '../trial.ts'
import { isLost } from './lost.ts'
import { isOutOfMemory } from './memory_errors.ts'

export type Failed = Extract<Outcome, { state: 'failed' }>

/** What a yield says: metrics, or that the trial fails by it. */
export type Parsed = { readonly metrics: Metrics } | { readonly failed: Failed }

/** Of one report: several for each class of the largest data sets. */
const MOST_METRICS = 10_000

/**
 * Reads what an objective yielded. Every goal must be a finite number: one that is none has diverged. Another metric may
 * be any number, NaN where there was nothing to measure.
 */
export function parseReport(yielded: unknown, goals: readonly Goal[], step: number): Parsed {
  if (typeof yielded !== 'object' || yielded === null || Array.isArray(yielded)) {
    return invalid(`report ${step} is ${show(yielded)}, no metrics such as { ${goals[0]?.metric}: 0.5 }`)
  }
  const fields = Object.entries(yielded)
  const wrong = fields.find(([, value]) => typeof value !== 'number')
  if (wrong) return invalid(`report ${step} has ${show(wrong[1])} as '${wrong[0]}', no number`)

  if (fields.length > MOST_METRICS) return invalid(`report ${step} has ${fields.length} metrics; ${MOST_METRICS} at most are kept`) // prettier-ignore
  const shadow = fields.find(([name]) => name in Object.prototype)
  if (shadow) return invalid(`report ${step} has a metric '${shadow[0]}', which every object has; name it otherwise`)

  const metrics: Metrics = Object.fromEntries(fields)
  for (const { metric } of goals) {
    const value = metrics[metric]
    if (value === undefined) return invalid(`report ${step} lacks the goal '${metric}': it has ${Object.keys(metrics).join(', ') || 'no metric'}`) // prettier-ignore
    if (!Number.isFinite(value)) return { failed: { state: 'failed', code: 'trial/diverged', message: `'${metric}' was ${value} in report ${step}` } } // prettier-ignore
  }
  return { metrics }
}

function invalid(message: string): Parsed {
  return { failed: { state: 'failed', code: 'trial/invalid-report', message } }
}

/** What an objective says by the name of an error that it throws. */
const CODES: Readonly<Record<string, Failed['code']>> = {
  DivergedError: 'trial/diverged',
  NoReportError: 'trial/no-report',
}

/** How a trial fails by what was thrown. */
export function failureOf(error: unknown): Failed {
  if (!(error instanceof Error)) return { state: 'failed', code: 'trial/threw', message: `threw ${show(error)}` }
  if (isOutOfMemory(error)) return { state: 'failed', code: 'trial/oom', message: reasonOf(error) }
  if (isLost(error)) return { state: 'failed', code: 'trial/lost', message: error.message }
  const code = CODES[error.name]
  if (code) return { state: 'failed', code, message: error.message }
  return { state: 'failed', code: 'trial/threw', message: reasonOf(error) }
}

/** What a user can mend says how. */
function reasonOf(error: Error): string {
  if (isTuneError(error)) return error.hint === undefined ? error.message : `${error.message}; ${error.hint}`
  return error.name === 'Error' || isLost(error) || error.name === 'OutOfMemoryError'
    ? error.message
    : `${error.name}: ${error.message}`
}

function show(value: unknown): string {
  return typeof value === 'string' ? `'${value}'` : inspect(value, { breakLength: Infinity, depth: 1 })
}
