import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

interface Gpu {
  readonly name: string
  readonly uuid: string
  readonly memoryMiB: number
}

/** The GPUs in the order of their numbers, or why none is known. */
export type Gpus = { readonly gpus: readonly Gpu[] } | { readonly reason: string }

const QUERY = ['--query-gpu=index,uuid,memory.total,name', '--format=csv,noheader,nounits']

/** What `nvidia-smi` lists, as far as `CUDA_VISIBLE_DEVICES` lets this process see it. */
export async function nvidiaGpus(visible = process.env['CUDA_VISIBLE_DEVICES']): Promise<Gpus> {
  try {
    const { stdout } = await promisify(execFile)('nvidia-smi', QUERY, { timeout: 20_000 })
    const gpus = visibleOf(stdout.trim().split('\n').map(parse), visible)
    if (gpus.length > 0) return { gpus }
    return {
      reason: visible === undefined ? 'nvidia-smi lists no GPU' : `CUDA_VISIBLE_DEVICES=${visible} hides all GPUs`,
    }
  } catch (error) {
    const { code, stdout = '' } = error as { code?: unknown; stdout?: string }
    if (code === 'ENOENT') return { reason: 'there is no nvidia-smi, which comes with the driver of NVIDIA GPUs' }
    return { reason: `nvidia-smi fails: ${stdout.trim().split('\n')[0] || String(code)}` }
  }
}

/** Bytes in use on a GPU, by its number in this process, by whomever; 0 where that is not known. */
export async function gpuMemoryBytes(index: number): Promise<number> {
  const found = await nvidiaGpus()
  const uuid = 'gpus' in found ? found.gpus[index]?.uuid : undefined
  if (uuid === undefined) return 0
  const query = [`--id=${uuid}`, '--query-gpu=memory.used', '--format=csv,noheader,nounits']
  const { stdout } = await promisify(execFile)('nvidia-smi', query, { timeout: 20_000 })
  return Number(stdout.trim()) * 2 ** 20
}

interface Listed extends Gpu {
  readonly index: string
}

/** A line such as `0, GPU-3f1c, 81559, NVIDIA H100`. */
function parse(line: string): Listed {
  const [index = '', uuid = '', memory = '', ...name] = line.split(', ')
  return { index, uuid, memoryMiB: Number(memory), name: name.join(', ') }
}

/** CUDA's rule: numbers, or beginnings of UUIDs, count up to the first that names none. */
function visibleOf(all: readonly Listed[], visible: string | undefined): readonly Gpu[] {
  const listed = all.filter(({ uuid }) => uuid !== '')
  if (visible === undefined) return listed.map(gpuOf)
  const wanted = visible.split(',').map((text) => text.trim())
  const found = wanted.map((text) => listed.find(({ index, uuid }) => index === text || (text.length > 4 && uuid.startsWith(text)))) // prettier-ignore
  const end = found.indexOf(undefined)
  return found.slice(0, end < 0 ? found.length : end).flatMap((gpu) => (gpu ? [gpuOf(gpu)] : []))
}

function gpuOf({ name, uuid, memoryMiB }: Listed): Gpu {
  return { name, uuid, memoryMiB }
}
