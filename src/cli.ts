#!/usr/bin/env node
import { endAtOnce } from './cli/end_at_once.ts'
import { main } from './cli/main.ts'

const { code, isStuck } = await main(process.argv.slice(2))
process.exitCode = code
// What is printed is read to its end first.
const afterPrinting = (end: () => void) => () => (process.stdout.writableLength === 0 ? end() : undefined)
if (isStuck)
  setInterval(
    afterPrinting(() => endAtOnce(code)),
    10,
  )
// An objective that was left behind in this thread may keep it busy for ever.
else
  setInterval(
    afterPrinting(() => process.exit()),
    1000,
  ).unref()
