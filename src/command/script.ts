import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { Duplex, Readable } from 'node:stream'

/*
 * Run by /bin/sh as the leader of a process group of its own; it never reads what a user wrote, which are arguments.
 *
 *     sh LEASE TENTHS PROGRAM ARGUMENT...      TENTHS of a second are the grace
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

/** A script that runs, with its pipes. */
export interface ScriptProcess {
  readonly child: ChildProcess
  readonly stdout: Readable
  readonly stderr: Readable
  /** What the watcher waits for the end of. */
  readonly link: Duplex
}

/** Starts the script with its arguments, and gives it the word once it has the lease. */
export async function spawnScript(words: readonly string[], env: NodeJS.ProcessEnv): Promise<ScriptProcess> {
  const child = spawn('/bin/sh', ['-c', SCRIPT, 'sh', ...words], {
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  })
  // Where there are no more processes or files to be had, there are no pipes either.
  if (child.pid === undefined) throw (await once(child, 'error'))[0]
  const [, stdout, stderr, link] = child.stdio as unknown as [null, Readable, Readable, Duplex]
  link.on('error', () => undefined) // the other side is gone: its exit says why
  link.once('data', () => link.write('go\n'))
  return { child, stdout, stderr, link }
}
