import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import type { HpoTask } from './task.ts'

/** The regrets of Optuna's default sampler on a table, by seed and count; undefined where Python cannot run it. */
export function optunaRegrets(
  python: string,
  dir: string,
  task: HpoTask,
  counts: readonly number[],
  seeds: number,
): (readonly number[])[] | undefined {
  const words = ['bench/hpo/optuna_side.py', join(dir, 'grids', task.name), String(seeds), counts.join()]
  const { status, stdout, stderr } = spawnSync(python, words, { encoding: 'utf8' })
  if (status === 0) return JSON.parse(stdout) as (readonly number[])[]
  console.log(`Optuna cannot be run by ${python}: ${stderr.trimEnd().split('\n').at(-1)}`)
  return undefined
}
