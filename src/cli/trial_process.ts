import { cacheDir, workersDir } from '../results.ts'
import { beWorker } from '../store/worker_locks.ts'
import { serveDriver } from '../trials/process_worker.ts'

// A worker process of a study:
//   node trial_process.js <results> <slot> [<study>]
// Of a study that it is told, it holds the slot's lock, for its attempts are the study's own.
const [results = '', slot = '', study] = process.argv.slice(2)
if (study !== undefined) beWorker(workersDir(results, study), Number(slot))
serveDriver(cacheDir(results))
