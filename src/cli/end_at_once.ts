/**
 * Ends the process though one of its threads hangs in native code, for which `process.exit` waits. Only a process that
 * becomes another one, from Node 22.15 on, can choose its exit code then; an older one ends by SIGKILL.
 */
export function endAtOnce(code: number): never {
  process.emit('exit', code)
  const { execve } = process as { execve?: (file: string, argv: readonly string[]) => never }
  if (execve && process.platform !== 'win32') execve.call(process, '/bin/sh', ['sh', '-c', `exit ${code}`])
  process.kill(process.pid, 'SIGKILL')
  throw new Error('a process outlived SIGKILL')
}
