import { chmodSync } from 'node:fs'
import { delimiter } from 'node:path'
import { describe, expect, test } from 'vitest'
import { listDevices } from '../../src/models/engines/devices.ts'
import { mistake, mistakeOf, tinyStudy, tune, workspace } from './tune.ts'

/** What nvidia-smi prints of two GPUs. */
const TWO_GPUS = "printf '0, GPU-aaaa1111, 81559, NVIDIA H100 80GB HBM3\\n1, GPU-bbbb2222, 24564, NVIDIA RTX 4090\\n'"

describe('tune devices', () => {
  test('lists the CPU, which computes, and says of the rest what is missing and what to do', async () => {
    const { code, stdout, stderr } = await tuneWithGpus('exit 1', ['devices', '--json'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const [cpu, ...rest] = JSON.parse(stdout) as Awaited<ReturnType<typeof listDevices>>
    expect(cpu).toEqual({ kind: 'cpu', devices: [{ index: 0, name: expect.stringMatching(/, \d+ threads$/) }] })
    expect(rest.map(({ kind }) => kind)).toEqual(['cuda', 'webgpu', 'tfjs'])
    const explained = rest.filter(({ missing, devices }) => (missing ? missing.reason && missing.hint : devices.length))
    expect(explained).toEqual(rest)
  })

  test('names the GPUs of nvidia-smi, and how onnxruntime gets to use them', async () => {
    const { stdout } = await tuneWithGpus(TWO_GPUS, ['devices'])
    expect(stdout).toContain('cuda:0    NVIDIA H100 80GB HBM3, 80 GiB\ncuda:1    NVIDIA RTX 4090, 24 GiB\n')
    expect(stdout).toMatch(/cuda +cannot be used: .+\n +install the CUDA libraries of onnxruntime: ONNXRUNTIME_NODE_INSTALL=true node /) // prettier-ignore
  })

  test('counts the GPUs that CUDA_VISIBLE_DEVICES shows, by number or UUID, in its order', async () => {
    expect(await gpuNames('1,0')).toEqual(['NVIDIA RTX 4090', 'NVIDIA H100 80GB HBM3'])
    expect(await gpuNames('GPU-bbbb')).toEqual(['NVIDIA RTX 4090'])
    expect(await gpuNames('0,7,1')).toEqual(['NVIDIA H100 80GB HBM3'])
    expect(await gpuNames('')).toEqual([])
  })

  test('passes on what nvidia-smi complains of', async () => {
    const { stdout } = await tuneWithGpus("echo 'NVIDIA-SMI has failed: no driver'; exit 9", ['devices'])
    expect(stdout).toContain('cuda      cannot be used: nvidia-smi fails: NVIDIA-SMI has failed: no driver\n')
  })
})

describe('before any trial a run is refused', () => {
  test('on a GPU that is not there', async () => {
    const ran = await tuneWithGpus(TWO_GPUS, ['tiny.ts', '--device', 'cuda:0,2'])
    const message = /^cuda:2: this machine has cuda:0 \(NVIDIA H100 80GB HBM3\), cuda:1 \(NVIDIA RTX 4090\) only$/
    expect(mistakeOf(ran)).toEqual(mistake('device/none', message, /tune devices/))
  })

  test('on a GPU where none is visible', async () => {
    const ran = await tuneWithGpus(TWO_GPUS, ['tiny.ts', '--device', 'cuda'], { CUDA_VISIBLE_DEVICES: '' })
    expect(mistakeOf(ran)).toEqual(mistake('device/none', /^cuda:0: CUDA_VISIBLE_DEVICES= hides all GPUs$/, /tune devices/)) // prettier-ignore
  })

  test('on more of WebGPU than one session in the process, and on an adapter that cannot be chosen', async () => {
    for (const words of [['webgpu', '--slots', '2'], ['webgpu:0,1'], ['webgpu:1']]) {
      const ran = await tune(workspace().dir, ['tiny.ts', '--device', ...words])
      expect(mistakeOf(ran)).toEqual(mistake('device/none', /^webgpu:\d(,\d)?: .*crash/, /--device webgpu --slots 1/))
    }
  })

  test('on TensorFlow.js that is not installed, with the line that installs it', async ({ skip }) => {
    const tfjs = (await listDevices()).find(({ kind }) => kind === 'tfjs')
    skip(!tfjs?.missing?.reason.includes('not installed'), 'TensorFlow.js is installed')
    const ran = await tune(workspace().dir, ['tiny.ts', '--device', 'tfjs'])
    expect(mistakeOf(ran)).toEqual(mistake('device/none', /not installed/, /npm install @tensorflow\/tfjs-node-gpu/))
  })
})

test('a run on a GPU that is there begins', async () => {
  const { code, stdout } = await tuneWithGpus(TWO_GPUS, ['tiny.ts', '--device', 'cuda:1'])
  expect(stdout).toContain('pq')
  expect(code).toBe(0)
})

async function gpuNames(visible: string): Promise<readonly string[]> {
  const { stdout } = await tuneWithGpus(TWO_GPUS, ['devices', '--json'], { CUDA_VISIBLE_DEVICES: visible })
  const offers = JSON.parse(stdout) as Awaited<ReturnType<typeof listDevices>>
  return offers.find(({ kind }) => kind === 'cuda')!.devices.map(({ name }) => name)
}

/** Runs a command where `nvidia-smi` is a shell script of ours. */
function tuneWithGpus(script: string, words: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const { dir } = workspace({ 'tiny.ts': tinyStudy(), 'bin/nvidia-smi': `#!/bin/sh\n${script}\n` })
  chmodSync(`${dir}/bin/nvidia-smi`, 0o755)
  return tune(dir, words, { PATH: `${dir}/bin${delimiter}${process.env['PATH']}`, ...env })
}
