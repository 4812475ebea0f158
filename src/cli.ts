#!/usr/bin/env node
import { main } from './cli/main.ts'

process.exitCode = await main(process.argv.slice(2))
// An objective that was left behind in this thread may keep it busy for ever. What is printed is read to its end first.
setInterval(() => {
  if (process.stdout.writableLength === 0) process.exit()
}, 1000).unref()
