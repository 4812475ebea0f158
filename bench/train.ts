/*
 * Training against PyTorch: one step of the same networks (forward, backward, clipping, AdamW) and a prediction as
 * scoring makes it, on one thread, by process CPU time, medians of rounds in turns; then what else training costs.
 *   npm run bench -- train [plain] [group] [mobilenet] [dual] [resources] [--rounds 7] [--steps 5] [--batch 8] [--side 128]
 * PyTorch comes from Debian (`apt-get install python3-torch`) or from $PYTHON; without it ours is measured alone.
 */
import { loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { NETS } from './train/nets.ts'
import { isWorker, resourceRows, work } from './train/resources.ts'
import { isMissed, type Row } from './train/row.ts'
import { stepRows } from './train/steps.ts'
import { hasTorch } from './train/torch.ts'

await (isWorker ? work() : main())

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      rounds: { type: 'string', default: '7' },
      steps: { type: 'string', default: '5' },
      batch: { type: 'string', default: '8' },
      side: { type: 'string', default: '128' },
    },
  })
  const [rounds, steps, batchSize, side] = [values.rounds, values.steps, values.batch, values.side].map(Number)
  const scale = { rounds: rounds!, steps: steps!, batchSize: batchSize!, side: side! }
  const asked = positionals.length > 0 ? positionals : [...Object.keys(NETS), 'resources']
  const withTorch = asked.some((name) => name in NETS) && hasTorch()
  console.log(`batch ${batchSize}, ${side} x ${side}, one thread; load ${loadavg()[0]!.toFixed(1)} on this machine\n`)
  console.log(line('', 'ours', 'theirs', 'value', 'asked'))
  for (const name of asked) {
    for (const row of await (name === 'resources' ? resourceRows() : stepRows(name, withTorch, scale))) print(row)
  }
}

function print(row: Row): void {
  const { what, ours, theirs, value, bound, sense } = row
  const known = Number.isFinite(value)
  console.log(
    line(what, ours, theirs, known ? value.toPrecision(3) : '-', `${sense} ${bound}${isMissed(row) ? ' MISSED' : ''}`),
  )
  if (isMissed(row)) process.exitCode = 1
}

function line(what: string, ...cells: readonly string[]): string {
  return [what.padEnd(48), ...cells.map((cell) => cell.padStart(12))].join(' ')
}
