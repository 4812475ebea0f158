import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import type { Duplex, Readable } from 'node:stream'
import { findProgram } from './find_program.ts'

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

/*
 * Run by /bin/sh as the leader of a process group of its own; it never reads what a user wrote, which are arguments.
 *
 *     sh LEASE TENTHS PROGRAM ARGUMENT...
 *
 * It takes the lease, says so to the driver on descriptor 3 and waits for its word: who has no driver does not start. Then
 * it leaves a watcher behind and becomes the program. The watcher waits for the driver to close its end, as the kernel
 * does for one that was killed, and ends the group: politely, and as soon as the leader is gone or its time is up by force.
 * While it lives, the group's number belongs to nobody else.
 */
const SCRIPT = `
[ -p "$1" ] || mkfifo -m 600 "$1" || exit 125
exec 4<>"$1" || exit 125
echo >&3
read -r _ <&3 || exit 125
( (
  trap '' TERM INT HUP
  read -r _ <&3
  kill -TERM 0
  tenths=$2
  while [ "$tenths" -gt 0 ] && kill -0 $$; do sleep 0.1; tenths=$((tenths - 1)); done
  kill -KILL 0
) </dev/null >/dev/null 2>&1 & )
exec 3<&- 4<&-
shift 2
exec "$@"
`

/** What outlives the program's own process has so long to end by itself; and so long its output may stay silent. */
const LATE_MS = 500

/** Starts a program. Throws where there is none of this name. */
export async function startProgram(
  [name, ...args]: readonly [string, ...string[]],
  options: ProgramOptions,
): Promise<Program> {
  // prettier-ignore
  const { env, lease, graceMs, onStderr } = options
  const tenths = String(Math.ceil(graceMs / 100))
  const child = spawn('/bin/sh', ['-c', SCRIPT, 'sh', lease, tenths, findProgram(name), ...args], {
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  })
  const [, stdout, stderr, link] = child.stdio as unknown as [null, Readable, Readable, Duplex]
  const exited = once(child, 'exit') as Promise<[Ending['code'], Ending['signal']]>
  link.on('error', () => undefined) // the other side is gone: its exit says why
  stderr.on('data', onStderr)
  const hold = () => undefined
  stdout.on('readable', hold) // else Node throws away what nobody has asked for when the program exits

  let isOver = false
  const signalGroup = (signal: NodeJS.Signals) => {
    try {
      if (child.pid !== undefined && !isOver) process.kill(-child.pid, signal)
    } catch {
      // Nobody is left of it.
    }
  }
  const cleanUp = async (): Promise<Ending> => {
    try {
      const [code, signal] = await exited
      signalGroup('SIGTERM')
      await Promise.race([closed(stderr), pause(LATE_MS)])
      return { code, signal }
    } finally {
      signalGroup('SIGKILL')
      isOver = true // its number may be another's from now on
      link.destroy()
      rmSync(lease, { force: true })
      closeWhenSilent(stdout)
    }
  }
  const all = cleanUp()
  all.catch(() => undefined) // whoever waits for it is told
  link.once('data', () => link.write('go\n'))
  await once(child, 'spawn')
  return {
    stdout: chunksOf(stdout),
    ended: all,
    async end(patienceMs = 0) {
      stdout.off('readable', hold).resume() // who waits to be read would not end
      if (patienceMs > 0) await Promise.race([all, pause(patienceMs)])
      signalGroup('SIGTERM')
      const force = setTimeout(() => signalGroup('SIGKILL'), graceMs)
      await all.catch(() => undefined).finally(() => clearTimeout(force))
    },
  }
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
