import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import study from '../../studies/pytorch_loss_weights.ts'
import { writeShapes } from '../../src/data/shapes.ts'
import { checkpointDir } from '../../src/results.ts'
import { defaults, type Params } from '../../src/space.ts'
import type { Objective, PrepareContext } from '../../src/study.ts'
import type { Metrics } from '../../src/trial.ts'
import { hasTorch, python } from '../python.ts'
import { sharedTemporaryDir, temporaryDir } from '../temporary.ts'

const data = sharedTemporaryDir()
const settings = { ...study.settings, python, data, size: 32, batch: 4 }
const objective = study.objective as Objective<Params, Metrics, unknown, unknown>

describe.skipIf(!hasTorch())('the PyTorch example', () => {
  let prepared: unknown
  beforeAll(async () => {
    await writeShapes(data, { size: 32, train: 8, val: 4, heldout: 4 })
    const context = { settings, cacheDir: sharedDir, progress: () => {} } as unknown as PrepareContext
    prepared = await study.prepare?.(context)
  })
  const sharedDir = sharedTemporaryDir()

  /** The reports of a trial, up to some, in its directory. */
  async function reportsOf(dir: string, steps: number, reported = 0): Promise<readonly Metrics[]> {
    mkdirSync(dir, { recursive: true })
    const trial = {
      number: 3,
      goals: study.goals,
      seed: 11,
      device: { kind: 'cpu', index: 0, threads: 1 } as const,
      signal: new AbortController().signal,
      maxSteps: 3,
      dir,
      reported,
      settings,
      data: prepared,
    }
    const reports: Metrics[] = []
    for await (const report of objective(defaults(study.space) as Params, trial)) {
      reports.push(report)
      if (reported + reports.length === steps) break
    }
    return reports
  }

  test('is scored by our evaluator, and stopped and resumed gives to the bit what it gives undisturbed', async () => {
    const [whole, parted] = [temporaryDir(), temporaryDir()]
    const undisturbed = await reportsOf(whole, 3)
    expect(undisturbed).toHaveLength(3)
    for (const report of undisturbed) {
      for (const metric of ['pq', 'sq', 'rq', 'pq_things', 'pq_stuff', 'pq_se', 'loss'])
        expect(report).toHaveProperty(metric)
    }
    const first = await reportsOf(parted, 1)
    expect(readdirSync(checkpointDir(parted))).toEqual(['last.pt'])
    expect([...first, ...(await reportsOf(parted, 3, 1))]).toEqual(undisturbed)
  })

  test('runs without panoptune', () => {
    const dir = temporaryDir()
    const trainer = new URL('../../examples/pytorch/train.py', import.meta.url).pathname
    const args = [trainer, '--data', data, '--size', '32', '--epochs', '1']
    const { status, stdout } = spawnSync(python, args, { cwd: dir, encoding: 'utf8', env: { ...process.env, OMP_NUM_THREADS: '1' } }) // prettier-ignore
    expect(status).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ predictions: 'val_0.runs' })
    expect(existsSync(join(dir, 'val_0.runs'))).toBe(true)
  })
})
