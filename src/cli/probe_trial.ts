import { newProbe, underProbe, type MeasuredReport } from '../models/probe.ts'
import type { Study, TrialContext } from '../study.ts'

/** What a measured trial is handed in the place of the study's data. */
export interface ProbeData {
  /** URL of the study's bundle, and what its `prepare` gave. */
  readonly url: string
  readonly data: unknown
  /** Runs of the device to measure; undefined where none was seen yet. */
  readonly runs?: number
}

/** Stands in for a study where its trials run: its reports are what those of the study cost. */
export default {
  async *objective(params: never, trial: TrialContext<never, ProbeData>): AsyncGenerator<MeasuredReport, void> {
    const { url, data, runs } = trial.data
    const { default: study } = (await import(/* @vite-ignore */ url)) as { readonly default: Study }
    const probe = newProbe({ ...(runs !== undefined && { runs }) })
    const objective = study.objective(params, { ...trial, goals: study.goals, data: data as never })
    const reports = objective[Symbol.asyncIterator]()
    try {
      for (;;) {
        const start = performance.now()
        const { done } = await underProbe(probe, () => reports.next())
        if (done === true) return
        yield { ...probe.take(), seconds: (performance.now() - start) / 1000 }
      }
    } finally {
      await reports.return?.()
    }
  },
}
