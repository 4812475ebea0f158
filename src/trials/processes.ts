import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { appendLog } from '../log_file.ts'
import { logFile } from '../results.ts'
import type { Device } from '../trial.ts'
import { deathError } from './death.ts'
import type { Executor, Slot } from './executor.ts'
import { parseKernelKills } from './memory_errors.ts'
import { processPort } from './process_port.ts'
import type { ProcessJob } from './process_worker.ts'
import type { ExecutorOptions } from './reading.ts'
import { workersExecutor, type Worker } from './workers.ts'

export interface ProcessOptions extends ExecutorOptions {
  /** The script of a worker process, which calls `serveDriver`; `args` is what it is told for a slot. */
  readonly script: string
  readonly args: (slot: Slot) => readonly string[]
}

/**
 * Runs objectives in processes, one a slot. Whatever becomes of one, be it a crash in native code, a `process.exit` or the
 * end of its memory, it costs one attempt of one trial. A GPU is the only one that its process sees. Data is not shared:
 * each process runs the study's `prepare` itself, whose caches are on disk.
 */
export function processesExecutor(slots: readonly Slot[], options: ProcessOptions): Executor {
  return workersExecutor(slots, 'prepared again', (slot, onGone) => openProcess(slot, options, onGone), options)
}

/** What is kept of a process's last words, in characters, and how long they may be on their way after its end. */
const LAST_WORDS = 4096
const LAST_WORDS_MS = 200

function openProcess(slot: Slot, { script, args }: ProcessOptions, onGone: () => void): Worker {
  const child = fork(script, args(slot), {
    serialization: 'advanced',
    env: { ...process.env, ...environmentFor(slot.device) },
    // A group of its own: what is typed in the terminal reaches the driver alone, and what it started ends with it.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  const kill = () => killGroup(child)
  process.once('exit', kill)
  child.once('exit', onGone)
  const gone = once(child, 'exit')
  void gone.finally(() => process.off('exit', kill)).catch(() => undefined)
  let lastWords = ''
  // What native code prints goes to the log of the trial that runs.
  let log: string | undefined
  let kills = kernelKills()
  const hear = (stream: Readable | null, isKept: boolean) =>
    stream?.on('data', (chunk: Buffer) => {
      if (log !== undefined) appendLog(log, chunk)
      if (isKept) lastWords = (lastWords + chunk.toString()).slice(-LAST_WORDS)
    })
  hear(child.stdout, false)
  hear(child.stderr, true)

  return {
    start: (job, onLost) => {
      log = logFile(job.dir)
      lastWords = ''
      kills = kernelKills()
      const { data, ...rest } = job
      const told = { ...rest, device: insideOf(job.device), sources: data as ProcessJob['sources'] }
      const onExit = async (code: number | null, signal: NodeJS.Signals | null) => {
        await Promise.race([once(child, 'close'), sleep(LAST_WORDS_MS)])
        onLost(deathError({ code, signal, lastWords, kernelKilled: (kernelKills() ?? 0) > (kills ?? 0) }))
      }
      child.once('exit', onExit)
      child.once('error', onLost)
      const port = processPort(child)
      port.send({ job: told satisfies ProcessJob })
      const close = () => {
        child.off('exit', onExit)
        child.off('error', onLost)
        log = undefined
      }
      return { ...port, close }
    },
    end: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return
      kill()
      await gone
    },
    canBeKilled: true,
  }
}

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // It has ended by itself meanwhile.
  }
}

/** Lets a process see its own GPU alone, named by its UUID: numbers differ between programs. */
function environmentFor({ uuid }: Device): NodeJS.ProcessEnv {
  return uuid === undefined ? {} : { CUDA_VISIBLE_DEVICES: uuid, CUDA_DEVICE_ORDER: 'PCI_BUS_ID' }
}

/** The device as its process numbers it: the only one that it sees is its first. */
function insideOf(device: Device): Device {
  return device.uuid === undefined || device.kind === 'webgpu' ? device : { ...device, index: 0 }
}

function kernelKills(): number | undefined {
  try {
    return parseKernelKills(readFileSync('/proc/vmstat', 'latin1'))
  } catch {
    return undefined
  }
}
