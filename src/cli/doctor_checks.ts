import { execFile } from 'node:child_process'
import { accessSync, constants, existsSync, rmSync, statfsSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { messageOf } from '../errors.ts'
import { cacheFiles, isRemovable } from '../eval/cache_files.ts'
import { filesBelow } from '../files_below.ts'
import { listDevices } from '../models/engines/devices.ts'
import { cacheDir } from '../results.ts'
import { good, wrong, type Check } from '../store/health.ts'
import { count, size } from './format.ts'

const run = promisify(execFile)

export function nodeCheck(version = process.versions.node): Check {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const isEnough = major > 20 || (major === 20 && minor >= 19)
  return isEnough ? good('node', version) : wrong('node', `${version} is too old`, 'install Node 20.19 or newer')
}

/** How each native package, once imported as `it`, is used for the first time: that may be when its binary is loaded. */
const PACKAGES: Readonly<Record<string, string>> = {
  'better-sqlite3': `new it.default(':memory:')`,
  'onnxruntime-node': '',
  sharp: '',
  esbuild: `await it.transform('')`,
}

/** Loads every native package, in a process of its own: one that was built for another Node may crash it. */
export async function packagesCheck(packages = PACKAGES): Promise<Check> {
  const cwd = dirname(fileURLToPath(import.meta.url))
  const faults = await Promise.all(
    Object.entries(packages).map(async ([name, code]) => {
      try {
        const script = `const it = await import(${JSON.stringify(name)})\n${code}\nprocess.exit()`
        await run(process.execPath, ['--input-type=module', '-e', script], { cwd, timeout: 60_000 })
        return []
      } catch (error) {
        return [`${name}: ${faultOf(error)}`]
      }
    }),
  )
  const found = faults.flat()
  if (found.length === 0) return good('packages', `${Object.keys(packages).join(', ')} load`)
  return wrong('packages', found.join('; '), 'npm ci --foreground-scripts installs them for this Node')
}

function faultOf(error: unknown): string {
  const { signal, stderr } = error as { readonly signal?: string | null; readonly stderr?: string }
  if (signal) return `ends the process by ${signal}`
  return /^\w*Error.*$/m.exec(stderr ?? '')?.[0] ?? messageOf(error)
}

/** Room that is too little for a checkpoint or two. */
const LEAST_BYTES = 1e9

/** Whether results can be written, and how many more trials of the size of those there are fit on the disk. */
export function spaceChecks(results: string, trials: number): readonly Check[] {
  const place = nearestPlace(results)
  try {
    accessSync(place, constants.W_OK)
  } catch (error) {
    return [wrong('results', `${place} cannot be written: ${messageOf(error)}`, 'look at its permissions, or choose another place by --results DIR')] // prettier-ignore
  }
  const { bavail, bsize } = statfsSync(place)
  const free = bavail * bsize
  const used = bytesIn(results)
  const each = trials > 0 ? used / trials : 0
  const fits = each > 0 ? `: room for ${Math.floor(free / each)} more trials like these, of ${size(each)} each` : ''
  const text = `${size(free)} free${fits}`
  const space = free < LEAST_BYTES ? wrong('space', text, 'free some: tune cache clean removes what can be made again') : good('space', text) // prettier-ignore
  return [
    good('results', existsSync(results) ? `${results} can be written, ${size(used)}` : `${results} can be made`),
    space,
  ]
}

/** A directory, or the nearest one above it that is there. */
function nearestPlace(dir: string): string {
  return existsSync(dir) || dirname(dir) === dir ? dir : nearestPlace(dirname(dir))
}

function bytesIn(dir: string): number {
  return filesBelow(dir).reduce((sum, file) => sum + (statSync(file, { throwIfNoEntry: false })?.size ?? 0), 0)
}

/** Files that writers which are no more left behind: drafts of files, and half of a cached data set. */
function leftovers(results: string, now: number): readonly string[] {
  const drafts = filesBelow(results).filter((file) => isDraft(file, now))
  const partial = cacheFiles(cacheDir(results)).filter((file) => file.kind === 'partial' && isRemovable(file, now))
  return [...drafts, ...partial.map(({ path }) => path)]
}

export function leftoversCheck(results: string, now: number): Check {
  const files = leftovers(results, now)
  if (files.length === 0) return good('leftovers', 'none')
  return wrong('leftovers', `${count(files.length, 'file')} of writers that were ended: ${files[0]}`, 'tune doctor --mend removes them') // prettier-ignore
}

export function removeLeftovers(results: string, now: number): readonly string[] {
  const files = leftovers(results, now)
  for (const file of files) rmSync(file, { force: true })
  return files.length === 0 ? [] : [`removed ${count(files.length, 'file')} that ended writers left`]
}

const HOUR_MS = 3_600_000

/** A draft says who writes it. On a disk that machines share, that number may be another one's process here. */
function isDraft(file: string, now: number): boolean {
  const pid = /\.(\d+)\.tmp$/.exec(file)?.[1]
  const age = now - (statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? now)
  return pid !== undefined && age > HOUR_MS && (age > 24 * HOUR_MS || !isProcess(Number(pid)))
}

function isProcess(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

export function cacheCheck(results: string): Check {
  const files = cacheFiles(cacheDir(results)).filter(({ kind }) => kind !== 'partial')
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0)
  return good('cache', files.length === 0 ? 'empty' : `${count(files.length, 'data set')}, ${size(bytes)}`)
}

/** What trials may run on. Without a CPU that computes there is none. */
export async function devicesCheck(): Promise<Check> {
  const offers = await listDevices()
  const names = offers.flatMap(({ kind, devices }) => devices.map(({ index, name }) => `${kind === 'cuda' ? `cuda:${index}` : kind} ${name}`)) // prettier-ignore
  const cpu = offers.find(({ kind }) => kind === 'cpu')
  if (cpu?.missing) return wrong('devices', cpu.missing.reason, cpu.missing.hint)
  return good('devices', names.join(', '))
}

/** Only studies of `command()` need it, and only where their program is in Python. */
export async function pythonCheck(python = 'python3'): Promise<Check> {
  const script = `
import sys
try:
    import torch
    print(sys.version.split()[0], 'torch', torch.__version__)
except ImportError:
    print(sys.version.split()[0], 'without torch')
`
  try {
    const { stdout } = await run(python, ['-c', script], { timeout: 60_000 })
    return good('python', stdout.trim().slice(0, 200))
  } catch {
    return good('python', `no ${python} on the PATH; only studies that run Python programs need it`)
  }
}
