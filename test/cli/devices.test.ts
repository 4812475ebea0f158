import { describe, expect, test } from 'vitest'
import { listDevices } from '../../src/models/engines/devices.ts'
import { TWO_GPUS, TWO_PARTS, withSmi } from '../fake_gpus.ts'
import { mistake, mistakeOf, tinyStudy, tune, workspace } from './tune.ts'

describe('tune devices', () => {
  test('lists the CPU, which computes, and says of the rest what is missing and what to do', async () => {
    const { code, stdout, stderr } = await tuneWithGpus('exit 1', ['devices', '--json'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const [cpu, ...rest] = JSON.parse(stdout) as Awaited<ReturnType<typeof listDevices>>
    const name: unknown = expect.stringMatching(/, \d+ threads$/)
    const slots: unknown = expect.any(Number)
    const why: unknown = expect.stringMatching(/core/)
    expect(cpu).toEqual({ kind: 'cpu', devices: [{ index: 0, name, slots, why, inUse: [] }] })
    expect(rest.map(({ kind }) => kind)).toEqual(['cuda', 'webgpu', 'tfjs'])
    const explained = rest.filter(({ missing, devices }) => (missing ? missing.reason && missing.hint : devices.length))
    expect(explained).toEqual(rest)
  })

  test('names the GPUs of nvidia-smi and how busy they are, and how onnxruntime gets to use them', async () => {
    const { stdout } = await tuneWithGpus(TWO_GPUS, ['devices'])
    expect(stdout).toContain(`
cuda:0    NVIDIA H100 80GB HBM3, 80 GiB
          12 % busy, 1.0 of 79.6 GiB used
          1 slot: --slots auto runs as many as its memory has room for
cuda:1    NVIDIA RTX 4090, 24 GiB
          0 % busy, 0.3 of 24.0 GiB used
`)
    expect(stdout).toMatch(/cuda +cannot be used: .+\n +install the CUDA libraries of onnxruntime:\s+ONNXRUNTIME_NODE_INSTALL=true\s+node\s/) // prettier-ignore
  })

  test('says what is not known', async () => {
    const { stdout } = await tuneWithGpus("echo '0, GPU-a, NVIDIA A100, [N/A], [N/A], [N/A], [N/A]'", ['devices'])
    expect(stdout).toContain('cuda:0    NVIDIA A100\n          nvidia-smi does not say how busy it is\n')
  })

  test('counts the GPUs that CUDA_VISIBLE_DEVICES shows, in its order', async () => {
    expect(await gpuNames('1,0')).toEqual(['NVIDIA RTX 4090', 'NVIDIA H100 80GB HBM3'])
  })

  test('passes on what nvidia-smi complains of', async () => {
    const { stdout } = await tuneWithGpus("echo 'NVIDIA-SMI has failed: no driver'; exit 9", ['devices'])
    expect(stdout).toContain('cuda      cannot be used: nvidia-smi fails: NVIDIA-SMI has failed: no driver\n')
  })

  test('fits in 60 columns', async () => {
    const { stdout } = await tuneWithGpus(TWO_GPUS, ['devices'], { COLUMNS: '60' })
    // A path has no place to break.
    const long = stdout.split('\n').filter((line) => line.length > 60 && line.trim().includes(' '))
    expect(long).toEqual([])
  })
})

describe('before any trial a run is refused', () => {
  test('on a GPU that is not there', async () => {
    const ran = await tuneWithGpus(TWO_GPUS, ['tiny.ts', '--device', 'cuda:0,2'])
    const message = /^cuda:2: this machine has cuda:0 \(NVIDIA H100 80GB HBM3\), cuda:1 \(NVIDIA RTX 4090\) only$/
    expect(mistakeOf(ran)).toMatchObject(mistake('device/none', message, /tune devices/))
  })

  test('on a GPU where none is visible', async () => {
    const ran = await tuneWithGpus(TWO_GPUS, ['tiny.ts', '--device', 'cuda'], { CUDA_VISIBLE_DEVICES: '' })
    expect(mistakeOf(ran)).toMatchObject(mistake('device/none', /^cuda:0: CUDA_VISIBLE_DEVICES= hides all GPUs$/, /tune devices/)) // prettier-ignore
  })

  test('on a second part of a GPU in the same process', async () => {
    const ran = await tuneWithGpus(TWO_PARTS, ['tiny.ts', '--device', 'cuda:0,1'], {
      CUDA_VISIBLE_DEVICES: 'MIG-1,MIG-2',
    })
    expect(mistakeOf(ran)).toMatchObject(mistake('device/none', /^cuda:1: CUDA shows one part of a GPU/, /--executor processes/)) // prettier-ignore
  })

  test('on several sessions of WebGPU in one process, and on an adapter that cannot be chosen', async () => {
    const twice = await tune(workspace().dir, ['tiny.ts', '--device', 'webgpu', '--slots', '2'])
    expect(mistakeOf(twice)).toMatchObject(mistake('device/none', /^webgpu:0: .*crash/, /--executor processes/))
    const other = await tune(workspace().dir, ['tiny.ts', '--device', 'webgpu:1'])
    expect(mistakeOf(other)).toMatchObject(mistake('device/none', /^webgpu:1: .*first adapter/, /--device webgpu/))
  })

  test('on TensorFlow.js that is not installed, with the line that installs it', async ({ skip }) => {
    const tfjs = (await listDevices()).find(({ kind }) => kind === 'tfjs')
    skip(!tfjs?.missing?.reason.includes('not installed'), 'TensorFlow.js is installed')
    const ran = await tune(workspace().dir, ['tiny.ts', '--device', 'tfjs'])
    expect(mistakeOf(ran)).toMatchObject(mistake('device/none', /not installed/, /npm install @tensorflow\/tfjs-node-gpu/)) // prettier-ignore
  })
})

test('a run on a GPU that is there begins, and its trials know the UUID', async () => {
  const { dir } = workspace({ 'tiny.ts': tinyStudy() })
  const env = withSmi(dir, TWO_GPUS)
  const { code, stdout } = await tune(dir, ['tiny.ts', '--device', 'cuda:1'], env)
  expect(stdout).toContain('pq')
  expect(code).toBe(0)
  const shown = await tune(dir, ['show', '0', '--json'], env)
  expect(shown.stdout).toContain('GPU-bbbb2222')
})

async function gpuNames(visible: string): Promise<readonly string[]> {
  const { stdout } = await tuneWithGpus(TWO_GPUS, ['devices', '--json'], { CUDA_VISIBLE_DEVICES: visible })
  const offers = JSON.parse(stdout) as Awaited<ReturnType<typeof listDevices>>
  return offers.find(({ kind }) => kind === 'cuda')!.devices.map(({ name }) => name)
}

/** Runs a command where `nvidia-smi` is a shell script of ours. */
function tuneWithGpus(script: string, words: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const { dir } = workspace({ 'tiny.ts': tinyStudy() })
  return tune(dir, words, { ...withSmi(dir, script), ...env })
}
