import { parentPort, workerData } from 'node:worker_threads'
import { connect } from './connect.ts'
import type { Db } from './db.ts'
import type { CheckpointerData } from './wal_keeper.ts'

// The thread behind `createWalKeeper`: moves a database's log into it, as far as no reader still needs it.
const { file, busy }: CheckpointerData = workerData
let db: Db | undefined

parentPort?.on('message', (order: 'move' | 'close') => {
  try {
    db ??= connect(file, { timeout: 0 })
    if (order === 'move') db.pragma('wal_checkpoint(PASSIVE)')
    else db.close()
  } finally {
    Atomics.store(busy, 0, 0)
    Atomics.notify(busy, 0)
  }
})
