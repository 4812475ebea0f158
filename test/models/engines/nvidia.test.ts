import { chmodSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { gpuMemoryBytes } from '../../../src/models/engines/nvidia.ts'
import { temporaryDir } from '../../temporary.ts'

afterEach(() => vi.unstubAllEnvs())

/** What nvidia-smi prints of two GPUs, and of the memory in use on each. */
const TWO_GPUS = `#!/bin/sh
case "$*" in
  *--id=GPU-aaaa1111*memory.used*) echo 1024 ;;
  *--id=GPU-bbbb2222*memory.used*) echo 300 ;;
  *) printf '0, GPU-aaaa1111, 81559, NVIDIA H100\\n1, GPU-bbbb2222, 24564, NVIDIA RTX 4090\\n' ;;
esac
`

function withGpus(visible?: string): void {
  const dir = temporaryDir()
  const script = join(dir, 'nvidia-smi')
  writeFileSync(script, TWO_GPUS)
  chmodSync(script, 0o755)
  vi.stubEnv('PATH', `${dir}${delimiter}${process.env['PATH']}`)
  vi.stubEnv('CUDA_VISIBLE_DEVICES', visible)
}

test('the memory in use on a GPU is that of the number which this process knows it by', async () => {
  withGpus()
  expect([await gpuMemoryBytes(0), await gpuMemoryBytes(1)]).toEqual([1024 * 2 ** 20, 300 * 2 ** 20])
  withGpus('1,0')
  expect([await gpuMemoryBytes(0), await gpuMemoryBytes(1)]).toEqual([300 * 2 ** 20, 1024 * 2 ** 20])
})

test('of a GPU that is not there nothing is in use', async () => {
  withGpus('0')
  expect(await gpuMemoryBytes(1)).toBe(0)
})
