/*
 * Scoring against the reference evaluators, in one run, by process CPU time, medians of rounds in turns.
 *   npm run bench -- eval [pq] [pq_workers] [ap] [postprocess]
 * References are found by environment variables, and only our times are printed where they are absent:
 *   PYTHON       python3 with numpy, PIL and torch (Debian: python3-numpy python3-pil python3-torch; default python3)
 *   PANOPTICAPI  a checkout of cocodataset/panopticapi
 * ap and postprocess say in their files what they look for.
 */
import { loadavg } from 'node:os'
import type { Row } from './eval/row.ts'

const NAMES = ['pq', 'pq_workers', 'ap', 'postprocess']
const asked = process.argv.slice(2)

console.log(`load ${loadavg()[0]!.toFixed(1)} on this machine\n`)
console.log(line('', 'ours ms', 'theirs ms', 'ratio', 'at least'))
for (const name of asked.length > 0 ? asked : NAMES) {
  for (const row of await rowsOf(name)) {
    const { what, ours_ms: ours, reference_ms: theirs, ratio, target } = row
    const falls = ratio !== undefined && ratio < target
    console.log(
      line(what, digits(ours), digits(theirs), ratio?.toFixed(1) ?? '-', `${target}${falls ? ' MISSED' : ''}`),
    )
    if (falls) process.exitCode = 1
  }
}

async function rowsOf(name: string): Promise<readonly Row[]> {
  const module: { readonly rows: () => Promise<readonly Row[]> } = await import(`./eval/${name}.ts`)
  return module.rows()
}

function digits(value: number | undefined): string {
  return value === undefined ? '-' : value.toPrecision(3)
}

function line(what: string, ...cells: readonly string[]): string {
  return [what.padEnd(52), ...cells.map((cell) => cell.padStart(9))].join(' ')
}
