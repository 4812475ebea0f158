import { existsSync } from 'node:fs'
import { describe, expect, onTestFinished, test } from 'vitest'
import { threadsExecutor } from '../../src/trials/threads.ts'
import { readAll, slots, testExecutor } from '../contracts/executor.ts'

const isBuilt = existsSync(new URL('../../dist/trials/worker.js', import.meta.url))
if (!isBuilt) console.warn('worker threads run the built code: npm run build first')

describe.skipIf(!isBuilt)('the executor of threads', () => {
  const jobOf = testExecutor((options) => threadsExecutor(slots, options))

  test('loses a trial that ends its worker, and goes on with another worker', async () => {
    const executor = threadsExecutor(slots)
    onTestFinished(() => executor.close())
    await expect(readAll(executor, jobOf('exit'))).rejects.toMatchObject({
      name: 'TrialLostError',
      message: 'its worker ended: worker exited with code: 7',
    })
    expect(await readAll(executor, jobOf('count'))).toHaveLength(3)
  })

  test('gives up the slot of a trial that hangs in native code, which would end the process with its thread', async () => {
    const executor = threadsExecutor(slots, { graceMs: 100 })
    const stop = new AbortController()
    const job = jobOf('hang in native code', { maxSteps: 3 })
    const reports = executor.run(job, slots[0]!, stop.signal)[Symbol.asyncIterator]()
    await reports.next()
    const last = reports.next()
    setTimeout(() => stop.abort(), 50)
    await expect(last).rejects.toMatchObject({ name: 'TrialLostError', message: expect.stringContaining('hangs in native code') as unknown }) // prettier-ignore
    expect(executor.slots).toEqual([slots[1]])
    expect(await readAll(executor, jobOf('count'), new AbortController().signal, slots[1])).toHaveLength(3)
    await executor.close()
  })

  test('throws where a report cannot cross to this thread', async () => {
    const executor = threadsExecutor(slots)
    onTestFinished(() => executor.close())
    const reading = readAll(executor, jobOf('yield a function'))
    await expect(reading).rejects.toThrow('could not be cloned')
  })
})
