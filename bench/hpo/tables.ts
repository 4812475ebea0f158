import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { stream } from '../../src/rng.ts'
import { choice, ordinal, type Choice } from '../../src/space.ts'
import type { HpoTask } from './task.ts'

interface GridFile {
  readonly name: string
  readonly direction: 'minimize' | 'maximize'
  readonly seeds: number
  readonly n: number
  readonly hyperparameters: readonly { readonly name: string; readonly choices: readonly Choice[]; readonly ordinal: boolean }[] // prettier-ignore
}

/** Full grids that were measured with some repeats: an evaluation draws one of them, the truth is their mean. */
export function readTables(dir: string): readonly HpoTask[] {
  if (!existsSync(dir)) return []
  return readdirSync(dir).filter((name) => name.endsWith('.json')).map((name) => readTable(join(dir, name))) // prettier-ignore
}

function readTable(file: string): HpoTask {
  const { name, direction, seeds, n, hyperparameters } = JSON.parse(readFileSync(file, 'utf8')) as GridFile
  const bytes = readFileSync(file.replace('.json', '.f32'))
  const values = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength))
  const sign = direction === 'minimize' ? 1 : -1
  const repeats = (row: number) => [...values.subarray(row * seeds, (row + 1) * seeds)].filter(Number.isFinite).map((value) => sign * value) // prettier-ignore
  const meanOf = (row: number) => {
    const all = repeats(row)
    return all.length === 0 ? Infinity : all.reduce((sum, value) => sum + value, 0) / all.length
  }
  // Mixed radix, the first parameter most significant.
  const rowOf = (params: Readonly<Record<string, unknown>>) =>
    hyperparameters.reduce(
      (row, { name, choices }) => row * choices.length + choices.indexOf(params[name] as Choice),
      0,
    )
  const means = Array.from({ length: n }, (_, row) => meanOf(row))
  return {
    name,
    lowest: means.reduce((least, mean) => Math.min(least, mean), Infinity),
    space: Object.fromEntries(
      hyperparameters.map(({ name, choices, ordinal: isOrdered }) => {
        const all = choices as readonly [Choice, ...Choice[]]
        return [name, isOrdered ? ordinal(...all) : choice(...all)]
      }),
    ),
    evaluate: (params, seed) => {
      const all = repeats(rowOf(params))
      const loss = all[stream(seed, 'repeat', rowOf(params)).below(all.length || 1)] ?? Number.NaN
      return Promise.resolve({ loss, truth: means[rowOf(params)]! })
    },
  }
}
