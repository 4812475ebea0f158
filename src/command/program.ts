import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import type { Readable } from 'node:stream'
import { findProgram } from './find_program.ts'
import { spawnScript } from './script.ts'

/** How a program ended. */
export interface Ending {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** A program that runs, with all that it starts itself. */
export interface Program {
  /** What it prints to stdout, as it is read: who prints faster waits. It ends when nobody is left to print. */
  readonly stdout: AsyncIterable<Buffer>
  /** How it ended; by then all that it started has ended, too. */
  readonly ended: Promise<Ending>
  /**
   * Ends it politely and, after the grace, by force; first it has some milliseconds to end by itself. Resolves once it has
   * ended. What it prints from now on is thrown away, if nobody reads it.
   */
  end(patienceMs?: number): Promise<void>
}

export interface ProgramOptions {
  readonly env: NodeJS.ProcessEnv
  /** The lease that is held while it runs: see lease.ts. */
  readonly lease: string
  /** Milliseconds from SIGTERM to SIGKILL. */
  readonly graceMs: number
  readonly onStderr: (bytes: Buffer) => void
}

/** What outlives the program's own process has so long to end by itself; and so long its output may stay silent. */
const LATE_MS = 500

/** Starts a program. Throws where there is none of this name. */
export async function startProgram(
  [name, ...args]: readonly [string, ...string[]],
  { env, lease, graceMs, onStderr }: ProgramOptions,
): Promise<Program> {
  const words = [lease, String(Math.ceil(graceMs / 100)), findProgram(name), ...args]
  const { child, stdout, stderr, link } = await spawnScript(words, env)
  const group = groupOf(child)
  stderr.on('data', onStderr)
  const letGo = holdUnread(stdout)
  const ended = endingOf(child, stderr, group).finally(() => {
    link.destroy()
    rmSync(lease, { force: true })
    closeWhenSilent(stdout)
  })
  ended.catch(() => undefined) // whoever waits for it is told
  return {
    stdout: chunksOf(stdout),
    ended,
    async end(patienceMs = 0) {
      letGo()
      if (patienceMs > 0) await Promise.race([ended, pause(patienceMs)])
      group.signal('SIGTERM')
      const force = setTimeout(() => group.signal('SIGKILL'), graceMs)
      await ended.finally(() => clearTimeout(force))
    },
  }
}

/** A program's process group, which can be sent signals until it is closed: its number may be another's after that. */
function groupOf({ pid = 0 }: ChildProcess) {
  let isClosed = false
  return {
    signal(name: NodeJS.Signals): void {
      if (isClosed) return
      try {
        process.kill(-pid, name)
      } catch {
        // Nobody is left of it.
      }
    },
    close: () => void (isClosed = true),
  }
}

/** How the leader of a group ends, once the rest of it has ended, too. */
async function endingOf(child: ChildProcess, stderr: Readable, group: ReturnType<typeof groupOf>): Promise<Ending> {
  const [code, signal] = (await once(child, 'exit')) as [Ending['code'], Ending['signal']]
  group.signal('SIGTERM')
  await Promise.race([closed(stderr), pause(LATE_MS)])
  group.signal('SIGKILL')
  group.close()
  return { code, signal }
}

/** Keeps what nobody has read yet, which Node throws away when the program exits; until it is let go. */
function holdUnread(stream: Readable): () => void {
  const hold = () => undefined
  stream.on('readable', hold)
  return () => void stream.off('readable', hold).resume()
}

async function* chunksOf(stream: Readable): AsyncGenerator<Buffer, void, void> {
  try {
    for await (const chunk of stream.iterator({ destroyOnReturn: false })) yield chunk as Buffer
  } catch (error) {
    // Closed while somebody who left the group still held it.
    if (!(error instanceof Error && 'code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE')) throw error
  }
}

/** What is in a pipe can still be read when its writers are gone; who is in no group could keep it open for ever. */
function closeWhenSilent(stream: Readable): void {
  const timer = setInterval(() => {
    if (stream.readableEnded || stream.destroyed) clearInterval(timer)
    else if (stream.readableLength === 0) stream.destroy()
  }, LATE_MS)
  timer.unref()
}

function closed(stream: Readable): Promise<void> {
  return new Promise((resolve) => (stream.closed ? resolve() : stream.once('close', resolve)))
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
