import type { Device, Metrics } from '../trial.ts'
import type { Batch } from './batch.ts'
import type { TrainState } from './checkpoint.ts'
import { termsOf } from './step_result.ts'
import { fedBatch, noiseOf, type Hyper } from './step_values.ts'
import { openSession } from './engines/open.ts'
import { floats, type Session } from './engines/session.ts'
import type { Graph } from './graph/graph.ts'
import { gradientShares } from './losses/gradient_norms.ts'
import { TERMS } from './losses/terms.ts'
import { diagnosisGraph, type StepShape } from './train_step.ts'

/** Says what each loss does to a network, from one batch; made when it is first asked. */
export interface Diagnosis {
  /**
   * Of every loss with a weight, say `center`: `center_loss` and `center_weighted`, before and after it is weighted, and in
   * percent `center_gradient`, its part of the sum of all weighted gradients' lengths, and `center_pixels`, the part of all
   * pixels that add to it.
   */
  run(state: TrainState, batch: Batch, hyper: Hyper): Promise<Metrics>
  close(): Promise<void>
}

/** What drops out follows from the seed and the state's step, as in the step that comes next. */
export function openDiagnosis(
  shape: Omit<StepShape, 'weights' | 'frozen'>,
  { seed, device }: { readonly seed: number; readonly device: Device },
): Diagnosis {
  let opened: { readonly key: string; readonly graph: Graph; readonly session: Session } | undefined
  const openedFor = async ({ weights, frozen = [] }: Hyper) => {
    const key = JSON.stringify([TERMS.filter((name) => (weights[name] ?? 0) > 0), frozen])
    if (opened?.key === key) return opened
    await opened?.session.close()
    const graph = diagnosisGraph({ ...shape, weights, frozen })
    return (opened = { key, graph, session: await openSession(graph, device) })
  }
  return {
    async run({ step, weights, buffers }, batch, hyper) {
      const { graph, session } = await openedFor(hyper)
      const results = await session.run({ ...fedBatch(batch, hyper), ...noiseOf(graph, seed, step), weights, buffers })
      const { losses, weights: factors } = termsOf(results, hyper)
      const names = TERMS.filter((name) => name in losses)
      const read = (suffix: string) => names.map((name) => floats(results, `${name}${suffix}`)[0] ?? Number.NaN)
      const [pixels, norms] = [read('Pixels'), read('Norm')]
      const shares = gradientShares(norms, names.map((name) => factors[name]!)) // prettier-ignore
      const metrics = names.flatMap((name, i) => [
        [`${name}_loss`, losses[name]!],
        [`${name}_weighted`, losses[name]! * factors[name]!],
        [`${name}_gradient`, 100 * shares[i]!],
        [`${name}_pixels`, 100 * pixels[i]!],
      ])
      return Object.fromEntries(metrics) as Metrics
    },
    close: async () => opened?.session.close(),
  }
}
