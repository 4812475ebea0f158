import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline/promises'
import type { Batch } from '../../src/models/batch.ts'
import type { Parameter } from '../../src/models/graph/graph.ts'
import { HYPER } from './made.ts'
import { RATES, type Net } from './nets.ts'

const python = process.env['PYTHON'] ?? '/usr/bin/python3'

/** The same network in PyTorch, on the same batch, from the same weights. */
export interface Torch {
  readonly losses: readonly number[]
  readonly gradient: Float32Array
  /** Takes some steps, or predicts some times; CPU milliseconds of one. */
  measure(what: 'step' | 'predict', times: number): Promise<number>
  close(): void
}

export function hasTorch(): boolean {
  if (spawnSync(python, ['-c', 'import torch']).status === 0) return true
  console.log(`no PyTorch for ${python}: measuring ours alone (apt-get install python3-torch, or set PYTHON)`)
  return false
}

export async function openTorch(
  { model, norm }: Net,
  batch: Batch,
  side: number,
  parameters: readonly Parameter[],
  weights: Float32Array,
): Promise<Torch> {
  const dir = mkdtempSync(join(tmpdir(), 'panoptune-bench-'))
  const { stride } = model
  const about = { parameters, batchSize: batch.size, side, stride, norm, rates: RATES, hyper: HYPER }
  writeFileSync(join(dir, 'bench.json'), JSON.stringify(about))
  for (const [name, array] of Object.entries({ ...batch, weights })) {
    if (ArrayBuffer.isView(array)) writeFileSync(join(dir, `${name}.bin`), Buffer.from(array.buffer))
  }
  const child = spawn(python, ['bench/train/torch_side.py', dir], { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const answer = async () => {
    const { value, done } = await lines.next()
    if (done) throw new Error('PyTorch ended early')
    const parsed: { losses: number[]; cpuMs: number } = JSON.parse(value)
    return parsed
  }
  const { losses } = await answer()
  const gradient = new Float32Array(new Uint8Array(readFileSync(join(dir, 'gradient.bin'))).buffer)
  return {
    losses,
    gradient,
    async measure(what, times) {
      child.stdin.write(`${what} ${times}\n`)
      return (await answer()).cpuMs
    },
    close() {
      child.stdin.end()
      rmSync(dir, { recursive: true })
    },
  }
}
