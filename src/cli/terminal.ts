import type { Writable } from 'node:stream'

/** What a screen can show: decided once, from the stream and the terminal's usual variables. */
export interface Terminal {
  readonly columns: number
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
export function terminalOf(stream: Writable & { isTTY?: boolean; columns?: number }, env: NodeJS.ProcessEnv): Terminal {
  const isLive = stream.isTTY === true && env['TERM'] !== 'dumb' && !env['CI']
  const forced = env['FORCE_COLOR'] !== undefined && env['FORCE_COLOR'] !== '0'
  const colour = !env['NO_COLOR'] && (forced || (stream.isTTY === true && env['TERM'] !== 'dumb'))
  const locale = env['LC_ALL'] ?? env['LC_CTYPE'] ?? env['LANG'] ?? ''
  return {
    columns: Math.max(40, stream.columns ?? 80),
    isLive,
    unicode: /utf-?8/i.test(locale),
    paint: (style, text) => (colour ? `\u001B[${codes[style][0]}m${text}\u001B[${codes[style][1]}m` : text),
  }
}
