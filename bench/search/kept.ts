import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'

/** What one study reached, and the seconds of CPU that it took. */
export interface Run {
  readonly regrets: readonly number[]
  readonly seconds: number
}

/**
 * Runs studies, and keeps what they reached in a file, a line of JSON each: those that it has are not run again, so that
 * a bench that was cut goes on where it was. Without a file, nothing is kept.
 */
export function keeping(path: string | undefined): (study: string, run: () => Run) => Run {
  if (path === undefined) return (_, run) => run()
  mkdirSync(dirname(path), { recursive: true })
  const lines = existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n') : []
  const known = new Map(lines.filter(isWhole).map((line) => parse(line)))
  return (study, run) => {
    const kept = known.get(study)
    if (kept) return kept
    const fresh = run()
    appendFileSync(path, `${JSON.stringify({ study, ...fresh })}\n`)
    return fresh
  }
}

/** The last line of a bench that was killed may not be. */
function isWhole(line: string): boolean {
  return line.startsWith('{') && line.endsWith('}')
}

function parse(line: string): readonly [string, Run] {
  const { study, ...run } = JSON.parse(line) as Run & { readonly study: string }
  return [study, run]
}
