import type { StudyEvent } from '../event.ts'
import type { Json } from '../json.ts'
import type { Metrics, Trial } from '../trial.ts'

/** One event as one flat JSON object: what `tune run --json` prints a line of. */
export function eventJson(event: StudyEvent): Json {
  const at = new Date(event.at).toISOString()
  switch (event.kind) {
    case 'study-started':
      return { ...event, at, goals: event.goals.map((goal) => ({ ...goal })), steps: event.steps ?? null }
    case 'preparing':
    case 'warning':
      return { ...event, at }
    case 'trial-started':
      return { kind: event.kind, at, slot: event.slot, again: event.again, ...trialHead(event.trial) }
    case 'trial-reported':
      return {
        kind: event.kind,
        at,
        trial: event.trial.number,
        step: event.report.step,
        metrics: finite(event.report.metrics),
      }
    case 'trial-ended':
      return { kind: event.kind, at, ...trialJson(event.trial), reason: event.reason }
    case 'study-ended':
      return {
        kind: event.kind,
        at,
        study: event.study,
        why: event.why,
        reason: event.reason,
        seconds: event.seconds,
        trials: event.trials.length,
      }
  }
}

/** One trial, as `list` prints it. */
export function trialJson(trial: Trial): { readonly [key: string]: Json } {
  const { outcome } = trial
  return {
    ...trialHead(trial),
    state: outcome.state,
    ...(outcome.state === 'failed' ? { code: outcome.code, message: outcome.message } : {}),
    steps: trial.reports.length,
    metrics: finite(trial.reports.at(-1)?.metrics ?? {}),
  }
}

/** One trial with every report. */
export function trialWithReports(trial: Trial): Json {
  const reports = trial.reports.map(({ step, metrics, at }) => ({
    step,
    at: new Date(at).toISOString(),
    metrics: finite(metrics),
  }))
  return { ...trialJson(trial), reports }
}

/** Metrics for JSON, which has no NaN: what is not finite becomes null. */
export function finite(metrics: Metrics): Record<string, number | null> {
  return Object.fromEntries(
    Object.entries(metrics).map(([name, value]) => [name, Number.isFinite(value) ? value : null]),
  )
}

function trialHead(trial: Trial) {
  return {
    trial: trial.number,
    params: trial.params,
    ...(trial.derived && { derived: trial.derived }),
    seed: trial.seed,
    device: { ...trial.device },
  }
}
