import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { availableParallelism, cpus } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { messageOf, TuneError } from '../../errors.ts'
import type { Device } from '../../trial.ts'
import { HINTS } from './hints.ts'
import { countAsListed, nvidiaGpus, type Gpu } from './nvidia.ts'
import { usableTensorFlow } from './tensorflow.ts'

/** A device; of one that is no GPU of NVIDIA its name alone is known. */
export interface FoundDevice extends Partial<Gpu> {
  readonly index: number
  readonly name: string
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

/**
 * The devices with the UUIDs of their GPUs, before any trial; refuses those that are not there. `isAlone`: each is used by
 * a process of its own. Whether their engines work is known only once they run.
 */
export async function findDevices(devices: readonly Device[], isAlone: boolean): Promise<readonly Device[]> {
  const [first] = devices
  if (first?.kind === 'cuda') return findGpus(devices, isAlone)
  if (first?.kind === 'tfjs') return findTensorFlow(devices, isAlone)
  if (first?.kind === 'webgpu') checkAdapter(devices, isAlone)
  return devices
}

async function findGpus(devices: readonly Device[], isAlone: boolean): Promise<readonly Device[]> {
  const found = await nvidiaGpus()
  if ('reason' in found) {
    throw new TuneError('device/none', `${namesOf(devices)}: ${found.reason}`, { hint: `${found.hint}; ${SEE_ALL}` })
  }
  const { gpus } = found
  const absent = devices.find(({ index }) => index >= gpus.length)
  if (absent) {
    const names = gpus.map(({ name }, index) => `cuda:${index} (${name})`).join(', ')
    throw new TuneError('device/none', `cuda:${absent.index}: this machine has ${names} only`, { hint: SEE_ALL })
  }
  const hidden = isAlone ? undefined : devices.find(({ index }) => index > 0 && gpus[index]!.uuid.startsWith('MIG-'))
  if (hidden) {
    throw new TuneError('device/none', `cuda:${hidden.index}: CUDA shows one part of a GPU to a process, the first`, {
      hint: 'use --executor processes',
    })
  }
  countAsListed()
  return devices.map((device) => ({ ...device, uuid: gpus[device.index]!.uuid }))
}

const SEE_ALL = 'tune devices lists what can be used; --device cpu always can'

/** TensorFlow.js has one device for a whole process: the last GPU that CUDA shows it, or the CPU. */
async function findTensorFlow(devices: readonly Device[], isAlone: boolean): Promise<readonly Device[]> {
  const { name } = usableTensorFlow()
  if (!isAlone) checkOne(devices, `${name} has one device for the whole process`)
  const found = name.endsWith('-gpu') ? await nvidiaGpus() : { gpus: [] }
  const gpus = 'gpus' in found ? found.gpus : []
  const absent = devices.find(({ index }) => index > 0 && index >= gpus.length)
  if (absent) {
    throw new TuneError('device/none', `tfjs:${absent.index}: ${name} has ${count(gpus.length, 'GPU')} here`, {
      hint: SEE_ALL,
    })
  }
  if (gpus.length > 0) countAsListed()
  return devices.map((device) => {
    const gpu = gpus.at(isAlone ? device.index : -1)
    return gpu ? { ...device, uuid: gpu.uuid } : device
  })
}

function checkAdapter(devices: readonly Device[], isAlone: boolean): void {
  const other = devices.find(({ index }) => index > 0)
  if (other) {
    const message = `webgpu:${other.index}: WebGPU takes the system's first adapter, and cannot be asked for another`
    throw new TuneError('device/none', message, { hint: 'use --device webgpu' })
  }
  if (!isAlone) checkOne(devices, 'a second session of WebGPU beside the first would crash the process')
}

function checkOne(devices: readonly Device[], why: string): void {
  if (devices.length === 1 && devices[0]!.index === 0) return
  const { kind } = devices[0]!
  throw new TuneError('device/none', `${namesOf(devices)}: ${why}`, {
    hint: `use --executor processes, or --device ${kind} --slots 1`,
  })
}

/** `cuda:0,1`. */
function namesOf(devices: readonly Device[]): string {
  return `${devices[0]!.kind}:${[...new Set(devices.map(({ index }) => index))].join(',')}`
}

function count(n: number, noun: string): string {
  return `${n === 0 ? 'no' : n} ${noun}${n === 1 ? '' : 's'}`
}

async function cpuOffer(): Promise<Offer> {
  const name = `${cpus()[0]?.model.trim() ?? 'CPU'}, ${availableParallelism()} threads`
  return probed('cpu', [{ index: 0, name }])
}

async function cudaOffer(): Promise<Offer> {
  const found = await nvidiaGpus()
  if ('reason' in found) return { kind: 'cuda', devices: [], missing: found }
  const devices = found.gpus.map((gpu, index) => ({ index, ...gpu }))
  if (existsSync(cudaLibrary())) return probed('cuda', devices)
  return { kind: 'cuda', devices, missing: { reason: 'the CUDA libraries of onnxruntime are not installed', hint: HINTS.cuda } } // prettier-ignore
}

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
