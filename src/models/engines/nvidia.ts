import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { visibleOf, type Numbered } from './visible_gpus.ts'

/** A GPU, or a part of one under MIG. What nvidia-smi cannot tell is undefined: there, most. */
export interface Gpu {
  readonly uuid: string
  readonly name: string
  readonly memoryMiB: number | undefined
  /** By whomever. */
  readonly usedMiB: number | undefined
  readonly freeMiB: number | undefined
  /** Share of the last moments, up to a second, in which it computed: 0 to 100. */
  readonly busyPercent: number | undefined
}

/** The GPUs in the order of their numbers in this process, or why none is known and what would help. */
export type Gpus = { readonly gpus: readonly Gpu[] } | { readonly reason: string; readonly hint: string }

/**
 * What `nvidia-smi` lists, as far as `CUDA_VISIBLE_DEVICES` lets this process see it. That starts a program, which takes some
 * 50 ms, and seconds where nothing keeps the driver awake: ask repeatedly only while something is being measured.
 */
export async function nvidiaGpus(mask = process.env['CUDA_VISIBLE_DEVICES'], patienceMs = PATIENCE_MS): Promise<Gpus> {
  const listing = await ask(QUERY, patienceMs)
  if ('reason' in listing) return listing
  const listed = parseGpus(listing.text)
  if (listed.length === 0) return { reason: `nvidia-smi lists no GPU: ${firstLine(listing.text)}`, hint: DRIVER }
  if (mask === undefined) return { gpus: listed.map(gpuOf) }
  const gpus = visibleOf(mask.startsWith('MIG-') ? await parts(patienceMs) : listed, mask)
  if (gpus.length > 0) return { gpus: gpus.map(gpuOf) }
  const names = listed.map(({ index, uuid }) => `${index} (${uuid})`).join(', ')
  return {
    reason: `CUDA_VISIBLE_DEVICES=${printable(mask)} hides all GPUs`,
    hint: `unset it, or name some of ${names}`,
  }
}

/** Bytes in use on a GPU, by its number in this process, by whomever; 0 where that is not known. */
export async function gpuMemoryBytes(index: number): Promise<number> {
  const found = await nvidiaGpus()
  return (('gpus' in found ? found.gpus[index]?.usedMiB : undefined) ?? 0) * 2 ** 20
}

/**
 * Lets CUDA count the GPUs as nvidia-smi does, in this process and in those that it starts: by itself it begins with the
 * fastest. Only before CUDA has started, and in the main thread.
 */
export function countAsListed(): void {
  process.env['CUDA_DEVICE_ORDER'] = 'PCI_BUS_ID'
}

const QUERY = ['--query-gpu=index,uuid,name,memory.total,memory.used,memory.free,utilization.gpu', '--format=csv,noheader,nounits'] // prettier-ignore

/** Eight GPUs whose driver has to wake up take some seconds. */
const PATIENCE_MS = 20_000
const MOST_BYTES = 2 ** 20
const MOST_GPUS = 256

const DRIVER = "install NVIDIA's driver, and see that nvidia-smi is on the PATH"

type Answer = { readonly text: string } | { readonly reason: string; readonly hint: string }

/** What it prints, or why it prints nothing of use. Neither its time nor its output is without bound. */
async function ask(words: readonly string[], patienceMs: number): Promise<Answer> {
  const bounds = { timeout: patienceMs, maxBuffer: MOST_BYTES, killSignal: 'SIGKILL' } as const
  try {
    const { stdout } = await promisify(execFile)('nvidia-smi', words, bounds)
    return { text: stdout }
  } catch (error) {
    const { code, killed, stdout = '', stderr = '' } = error as Failure
    if (code === 'ENOENT') {
      return { reason: 'there is no nvidia-smi, which comes with the driver of NVIDIA GPUs', hint: DRIVER }
    }
    if (code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER') return { reason: 'nvidia-smi prints without end', hint: DRIVER }
    if (killed) return { reason: `nvidia-smi gives no answer within ${patienceMs / 1000} s`, hint: RESTART }
    const said = firstLine(stdout) || firstLine(stderr) || String(code)
    return { reason: `nvidia-smi fails: ${said}`, hint: /mismatch/i.test(said) ? RESTART : DRIVER }
  }
}

const RESTART = 'restart the machine: its driver hangs, or was updated and not loaded anew'

interface Failure {
  readonly code?: unknown
  readonly killed?: boolean
  readonly stdout?: string
  readonly stderr?: string
}

type Listed = Gpu & Numbered

/** Lines such as `0, GPU-3f1c, NVIDIA H100, 81559, 1024, 80535, 12`; others, such as complaints of one GPU, are left out. */
function parseGpus(text: string): readonly Listed[] {
  const lines = text.split('\n').slice(0, MOST_GPUS)
  return lines.flatMap((line) => {
    const fields = line.split(',').map((field) => field.trim())
    const [index = '', uuid = '', ...rest] = fields
    const [memory, used, free, busy] = rest.slice(-4).map(amount)
    if (fields.length < 7 || !/^\d{1,4}$/.test(index) || !/^GPU-[\w-]{1,80}$/.test(uuid)) return []
    const name = printable(rest.slice(0, -4).join(', '))
    return [{ index: Number(index), uuid, name, memoryMiB: memory, usedMiB: used, freeMiB: free, busyPercent: busy }]
  })
}

/** A number with or without its unit; undefined for `[N/A]`, `[Insufficient Permissions]` and the like. */
function amount(field: string): number | undefined {
  const [, digits] = /^(\d{1,9})(?: \S+)?$/.exec(field) ?? []
  return digits === undefined ? undefined : Number(digits)
}

/** The parts into which MIG divides GPUs. Their use is shown nowhere; their size is a part of their name: `1g.5gb`. */
async function parts(patienceMs: number): Promise<readonly Listed[]> {
  const listing = await ask(['-L'], patienceMs)
  if ('reason' in listing) return []
  let gpu = ''
  return listing.text
    .split('\n')
    .slice(0, MOST_GPUS)
    .flatMap((line) => {
      // prettier-ignore
      gpu = /^GPU \d+: (.*) \(UUID: /.exec(line)?.[1] ?? gpu
      const [, profile = '', uuid] = /^\s+MIG (\S+)\s+Device\s+\d+: \(UUID: (MIG-[\w/-]{1,100})\)/.exec(line) ?? []
      if (uuid === undefined) return []
      const [, gigabytes] = /(\d{1,4})gb/.exec(profile) ?? []
      const memoryMiB = gigabytes === undefined ? undefined : Number(gigabytes) * 1024
      const unknown = { index: undefined, usedMiB: undefined, freeMiB: undefined, busyPercent: undefined }
      return [{ uuid, name: printable(`${gpu} MIG ${profile}`), memoryMiB, ...unknown }]
    })
}

function gpuOf({ uuid, name, memoryMiB, usedMiB, freeMiB, busyPercent }: Listed): Gpu {
  return { uuid, name, memoryMiB, usedMiB, freeMiB, busyPercent }
}

function firstLine(text: string): string {
  return printable(text.trim().split('\n')[0] ?? '')
}

/** What a program printed, fit for a line of a terminal: no control characters, and not long. */
function printable(text: string): string {
  const clean = text.replaceAll(/[\p{C}\s]+/gu, ' ').trim()
  return clean.length > 120 ? `${clean.slice(0, 119)}…` : clean
}
