import { appendLog } from '../log_file.ts'
import { logFile } from '../results.ts'

/** Writes what a program prints to its trial's log, and remembers the last of it. */
export interface ProgramLog {
  readonly stdout: (bytes: Buffer) => void
  readonly stderr: (bytes: Buffer) => void
  /** The last of its stderr, and the last line that says anything; throws where something could not be logged. */
  lastWords(): { readonly text: string; readonly line: string }
}

export function openProgramLog(dir: string): ProgramLog {
  const [errors, output] = [lastOf(), lastOf()]
  let unwritable: unknown
  const to = (last: typeof errors) => (bytes: Buffer) => {
    last.add(bytes)
    try {
      appendLog(logFile(dir), bytes)
    } catch (error) {
      unwritable = error // nobody waits here
    }
  }
  return {
    stdout: to(output),
    stderr: to(errors),
    lastWords() {
      if (unwritable !== undefined) throw unwritable
      return { text: errors.text(), line: lastLine(errors.text()) || lastLine(output.text()) }
    },
  }
}

/** Remembers so many bytes. */
function lastOf(most = 4096) {
  let kept = Buffer.alloc(0)
  return {
    add(bytes: Buffer): void {
      const recent = bytes.subarray(Math.max(0, bytes.length - most))
      kept = Buffer.concat([kept.subarray(Math.max(0, kept.length + recent.length - most)), recent])
    },
    text: () => kept.toString(),
  }
}

/** The last line that says anything, without what only a terminal understands. */
function lastLine(text: string): string {
  const lines = text.split(/[\r\n]+/).map(printable).filter((line) => line !== '') // prettier-ignore
  return lines.at(-1)?.slice(0, 300) ?? ''
}

// oxlint-disable-next-line no-control-regex -- those are what is taken out
const CONTROLS = /\u001B\[[0-9;?]*[ -/]*[@-~]|[\u0000-\u0008\u000B-\u001F\u007F-\u009F]/g

function printable(line: string): string {
  return line.replaceAll(CONTROLS, '').trim()
}
