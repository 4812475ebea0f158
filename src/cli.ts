#!/usr/bin/env node
import { main } from './cli/main.ts'

process.exitCode = await main(process.argv.slice(2))
// An objective that was left behind in this thread may keep it busy for ever; what is printed has long been written.
setTimeout(() => process.exit(), 2000).unref()
