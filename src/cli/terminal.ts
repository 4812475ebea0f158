import type { Writable } from 'node:stream'
import { printable } from '../printable.ts'

/** What a screen can show, from the stream and the terminal's usual variables. */
export interface Terminal {
  /** As they are now: a window may be resized. */
  readonly columns: number
  readonly rows: number
  readonly isLive: boolean
  readonly unicode: boolean
  paint(style: Style, text: string): string
}

export type Style = 'bold' | 'dim' | 'green' | 'yellow' | 'red' | 'cyan'

const codes: Record<Style, readonly [number, number]> = {
  bold: [1, 22],
  dim: [2, 22],
  green: [32, 39],
  yellow: [33, 39],
  red: [31, 39],
  cyan: [36, 39],
}

/** The terminal behind a stream. A pipe, a dumb terminal or CI gets plain lines; `NO_COLOR` takes the colour away. */
export function terminalOf(
  stream: Writable & { isTTY?: boolean; columns?: number; rows?: number },
  env: NodeJS.ProcessEnv,
): Terminal {
  const isLive = stream.isTTY === true && env['TERM'] !== 'dumb' && !env['CI']
  const forced = env['FORCE_COLOR'] !== undefined && env['FORCE_COLOR'] !== '0'
  const colour = !env['NO_COLOR'] && (forced || (stream.isTTY === true && env['TERM'] !== 'dumb'))
  // An empty one counts as not set, as POSIX has it.
  const locale = env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'] || ''
  return {
    get columns() {
      return Math.max(40, stream.columns ?? (Number(env['COLUMNS']) || 80))
    },
    get rows() {
      return stream.rows ?? 24
    },
    isLive,
    unicode: /utf-?8/i.test(locale),
    paint: (style, text) => (colour ? `\u001B[${codes[style][0]}m${text}\u001B[${codes[style][1]}m` : text),
  }
}

/** Prints some text, made harmless; in place of so many lines above the cursor, where they are said. */
export type Print = (text: string, instead?: number) => void

/**
 * Keeps stdout for what was asked for, so that it can be piped, and gives the only ways to write there and to stderr.
 * What a study file prints while it is loaded goes to stderr. A reader that has gone, such as `head`, is no reason to stop a study.
 */
export function claimStdout(): { readonly print: Print; readonly printError: Print } {
  const [toStdout, toStderr] = [process.stdout, process.stderr].map(printerTo) as [Print, Print]
  process.stdout.write = process.stderr.write.bind(process.stderr)
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error
    })
  }
  return { print: toStdout, printError: toStderr }
}

/** The one place where text goes to a terminal. What was typed, such as ^C, stands where the cursor is, and goes as well. */
function printerTo(stream: NodeJS.WriteStream): Print {
  const write = stream.write.bind(stream)
  return (text, instead = 0) => void write((instead > 0 ? `\r\u001B[${instead}A\u001B[J` : '') + printable(text))
}
