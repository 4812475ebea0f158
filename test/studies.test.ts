import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { openImageSet } from '../src/data/open.ts'
import { writeShapes } from '../src/data/shapes.ts'
import { exportOnnx } from '../src/models/export_onnx.ts'
import { trainedNetwork } from '../src/models/trained_network.ts'
import { defaults, decodeSpace, spaceDims, type Params } from '../src/space.ts'
import { stream } from '../src/rng.ts'
import type { Metrics } from '../src/trial.ts'
import type { Objective, Study } from '../src/study.ts'
import { hasTorch, python } from './python.ts'
import { sharedTemporaryDir, temporaryDir } from './temporary.ts'

const names = readdirSync(new URL('../studies', import.meta.url))
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.slice(0, -3))
const cacheDir = sharedTemporaryDir()
const data = sharedTemporaryDir()
const model = join(cacheDir, 'model.onnx')
beforeAll(async () => {
  await writeShapes(data, { size: 32, train: 8, val: 4, heldout: 4 })
  const set = await openImageSet({ dir: data, split: 'train', cacheDir })
  const file = await trainedNetwork(set, { steps: 2, weights: { semantic: 1, center: 1, offset: 1 } }, { cacheDir, progress: () => {} }) // prettier-ignore
  writeFileSync(model, (await exportOnnx(file)).file)
})

/** Those of programs need what the programs do. */
const runnable = names.filter((name) => !name.startsWith('pytorch_') || hasTorch())

/** Settings with which a trial is done in a second. */
const SMALL = { python, model, data, size: 32, crop: 32, batch: 2, every: 2, steps: 4, crops: 32, audited: 4 }

test.each(runnable)(
  '%s trains its baseline and another point, and reports its goals',
  async (name) => {
    const { default: study } = (await import(`../studies/${name}.ts`)) as { readonly default: Study }
    const settings = Object.fromEntries(Object.entries({ ...study.settings, ...SMALL }).filter(([key]) => key in study.settings)) // prettier-ignore
    const prepared = await study.prepare?.({ settings, cacheDir, progress: () => {}, bestOf: () => '' })
    const objective = study.objective as Objective<Params, Metrics, unknown, unknown>
    for (const [number, params] of [defaults(study.space), anyParams(study)].entries()) {
      const device = { kind: 'cpu', index: 0, threads: 1 } as const
      const { signal } = new AbortController()
      const trial = {
        number,
        goals: study.goals,
        seed: number,
        device,
        signal,
        maxSteps: 2,
        dir: temporaryDir(),
        reported: 0,
        settings,
        data: prepared,
      }
      const reports: Metrics[] = []
      for await (const report of objective(params as Params, trial)) reports.push(report)
      expect(reports.length).toBeGreaterThan(0)
      for (const { metric } of study.goals) expect(reports.map((report) => report[metric])).not.toContain(undefined)
      expect(reports.at(-1)).toHaveProperty('pq')
    }
  },
  120_000,
)

function anyParams({ name, space }: Study): Params {
  const dims = spaceDims(space)
  const rng = stream(1, name)
  return decodeSpace(space, dims.map(() => rng.uniform())) as Params // prettier-ignore
}
