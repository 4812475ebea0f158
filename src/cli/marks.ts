import type { Trial } from '../trial.ts'
import { width } from './format.ts'
import type { Style, Terminal } from './terminal.ts'

const MARKS = {
  complete: { unicode: '✓', ascii: '+', style: 'green' },
  pruned: { unicode: '◐', ascii: '-', style: 'dim' },
  failed: { unicode: '✗', ascii: 'x', style: 'red' },
  paused: { unicode: '◌', ascii: '.', style: 'dim' },
  interrupted: { unicode: '↻', ascii: '~', style: 'yellow' },
  running: { unicode: '●', ascii: '*', style: 'cyan' },
} as const satisfies Record<Trial['outcome']['state'], { unicode: string; ascii: string; style: Style }>

/** A state's sign, in colour where there is colour; the word always stands beside it. */
export function mark(state: Trial['outcome']['state'], terminal: Terminal): string {
  const { unicode, ascii, style } = MARKS[state]
  return terminal.paint(style, terminal.unicode ? unicode : ascii)
}

/** A share of 16 cells. */
export function bar(share: number, terminal: Terminal): string {
  const cells = 16
  const full = Math.round(Math.min(1, share) * cells)
  const [on, off] = terminal.unicode ? ['━', '─'] : ['#', '.']
  return terminal.paint('cyan', on.repeat(full)) + terminal.paint('dim', off.repeat(cells - full))
}

/** A line cut to the columns, colours kept whole. */
export function clip(line: string, { columns, unicode }: Terminal): string {
  if (width(line) <= columns) return line
  let left = columns - 1
  // oxlint-disable-next-line no-control-regex
  const parts = line.split(/(\u001B\[\d+m)/)
  const kept = parts.map((part) => {
    if (part.startsWith('\u001B')) return part
    const piece = [...part].slice(0, left)
    left -= piece.length
    return piece.join('')
  })
  return kept.join('') + (unicode ? '…' : '~')
}
