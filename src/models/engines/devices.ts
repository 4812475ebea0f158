import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { availableParallelism, cpus } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { messageOf, TuneError } from '../../errors.ts'
import type { Device } from '../../trial.ts'
import { HINTS } from './hints.ts'
import { nvidiaGpus } from './nvidia.ts'
import { usableTensorFlow } from './tensorflow.ts'

export interface FoundDevice {
  readonly index: number
  readonly name: string
  readonly uuid?: string
  readonly memoryMiB?: number
}

/** What this machine offers of one kind. */
export interface Offer {
  readonly kind: Device['kind']
  readonly devices: readonly FoundDevice[]
  /** Why nothing can be trained there, and what would help; absent where an addition came out right. */
  readonly missing?: { readonly reason: string; readonly hint: string }
}

/** All kinds of devices, with those that are missing. Each that is not ruled out at once computes something. */
export async function listDevices(): Promise<readonly Offer[]> {
  return Promise.all([cpuOffer(), cudaOffer(), webgpuOffer(), tfjsOffer()])
}

/** Refuses devices that are not there, before any trial. Whether their engines work is known only once they run. */
export async function checkDevices(devices: readonly Device[]): Promise<void> {
  const { kind } = devices[0]!
  if (kind === 'tfjs') usableTensorFlow()
  if (kind === 'tfjs' || kind === 'webgpu') checkOneAProcess(kind, devices)
  if (kind === 'cuda') await checkGpus(devices)
}

const ONE_A_PROCESS = {
  webgpu: 'a second one beside it would crash the process',
  tfjs: 'TensorFlow.js has one for the whole process, the last GPU that CUDA_VISIBLE_DEVICES shows',
}

function checkOneAProcess(kind: keyof typeof ONE_A_PROCESS, devices: readonly Device[]): void {
  if (devices.length === 1 && devices[0]!.index === 0) return
  const indices = devices.map(({ index }) => index).join(',')
  throw new TuneError('device/none', `${kind}:${indices}: ${ONE_A_PROCESS[kind]}`, {
    hint: `use --device ${kind} --slots 1`,
  })
}

async function checkGpus(devices: readonly Device[]): Promise<void> {
  const found = await nvidiaGpus()
  if ('reason' in found) {
    throw new TuneError('device/none', `cuda:${devices[0]!.index}: ${found.reason}`, { hint: SEE_ALL })
  }
  const absent = devices.find(({ index }) => index >= found.gpus.length)
  if (!absent) return
  const names = found.gpus.map(({ name }, index) => `cuda:${index} (${name})`).join(', ')
  throw new TuneError('device/none', `cuda:${absent.index}: this machine has ${names} only`, { hint: SEE_ALL })
}

const SEE_ALL = 'tune devices lists what can be used; --device cpu always can'

async function cpuOffer(): Promise<Offer> {
  const name = `${cpus()[0]?.model.trim() ?? 'CPU'}, ${availableParallelism()} threads`
  return probed('cpu', [{ index: 0, name }])
}

async function cudaOffer(): Promise<Offer> {
  const found = await nvidiaGpus()
  if ('reason' in found) return { kind: 'cuda', devices: [], missing: { reason: found.reason, hint: DRIVER } }
  const devices = found.gpus.map((gpu, index) => ({ index, ...gpu }))
  if (existsSync(cudaLibrary())) return probed('cuda', devices)
  return { kind: 'cuda', devices, missing: { reason: 'the CUDA libraries of onnxruntime are not installed', hint: HINTS.cuda } } // prettier-ignore
}

const DRIVER = "install NVIDIA's driver, and see that nvidia-smi is on the PATH"

async function webgpuOffer(): Promise<Offer> {
  return probed('webgpu', [{ index: 0, name: "the system's first adapter" }])
}

async function tfjsOffer(): Promise<Offer> {
  try {
    const { name, version } = usableTensorFlow()
    return await probed('tfjs', [{ index: 0, name: `${name} ${version}` }])
  } catch (error) {
    const { message, hint } = error as TuneError
    return { kind: 'tfjs', devices: [], missing: { reason: message, hint: hint ?? HINTS.tfjs } }
  }
}

function cudaLibrary(): string {
  const home = dirname(createRequire(import.meta.url).resolve('onnxruntime-node/package.json'))
  return join(home, 'bin/napi-v6', process.platform, process.arch, 'libonnxruntime_providers_cuda.so')
}

/** An offer whose first device has shown that it computes. */
async function probed(kind: Device['kind'], devices: readonly FoundDevice[]): Promise<Offer> {
  const reason = await failureOf({ kind, index: 0, threads: 1 })
  if (reason === undefined) return { kind, devices }
  return { kind, devices: kind === 'webgpu' ? [] : devices, missing: { reason, hint: HINTS[kind] } }
}

/** A script: from the sources, as tests do, the built one is run. */
const probe = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? '../../../dist/models/engines/probe.js' : './probe.js', import.meta.url),
)

/** Why a device computes nothing. It is tried in a process of its own: a broken driver may end that. */
function failureOf(device: Device): Promise<string | undefined> {
  return new Promise((resolve) => {
    execFile(process.execPath, [probe, JSON.stringify(device)], { timeout: 60_000 }, (error, stdout, stderr) => {
      if (!error) return resolve(undefined)
      if (error.signal) return resolve(`its driver ends the process by ${error.signal}`)
      // The library behind WebGPU says only there what it looked for in vain.
      const [, warning] = /^Warning: (.+)/.exec(stderr) ?? []
      resolve(warning ?? (stdout || messageOf(error)))
    })
  })
}
