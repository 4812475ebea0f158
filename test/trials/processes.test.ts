import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import type { Executor } from '../../src/trials/executor.ts'
import { processesExecutor } from '../../src/trials/processes.ts'
import type { ExecutorOptions } from '../../src/trials/reading.ts'
import { readAll, slots, testExecutor } from '../contracts/executor.ts'

const script = fileURLToPath(new URL('../../dist/cli/trial_process.js', import.meta.url))
const isBuilt = existsSync(script)
if (!isBuilt) console.warn('worker processes run the built code: npm run build first')

describe.skipIf(!isBuilt)('the executor of processes', () => {
  let results: string
  beforeAll(() => {
    results = mkdtempSync(join(tmpdir(), 'panoptune-test-'))
    return () => rmSync(results, { recursive: true })
  })
  const create = (options: ExecutorOptions = {}): Executor =>
    processesExecutor(slots, { script, args: ({ index }) => [results, String(index)], ...options })
  const open = (options: ExecutorOptions = {}): Executor => {
    const executor = create(options)
    onTestFinished(() => executor.close())
    return executor
  }
  const jobOf = testExecutor(create)
  afterEach(() => void vi.unstubAllEnvs())

  test.each([
    ['exit', 'TrialLostError', /^its process ended by itself with exit code 7$/],
    ['crash', 'TrialLostError', /^its process crashed: it used memory that is not its own \(SIGSEGV\)$/],
    ['be killed', 'TrialLostError', /^its process was killed \(SIGKILL\)$/],
    ['allocate', 'OutOfMemoryError', /^its process ran out of memory: FATAL ERROR: .*JavaScript heap out of memory/],
  ])('an objective that makes its process %s costs its trial alone', async (does, name, message) => {
    vi.stubEnv('NODE_OPTIONS', '--max-old-space-size=64')
    const executor = open()
    const other = readAll(executor, jobOf('wait a little'), new AbortController().signal, slots[1])
    await expect(readAll(executor, jobOf(does))).rejects.toMatchObject({ name, message: expect.stringMatching(message) as unknown }) // prettier-ignore
    expect(await other).toHaveLength(3)
    expect(await readAll(executor, jobOf('count'))).toHaveLength(3)
  })

  test('ends an objective that hangs in native code', async () => {
    const executor = open({ graceMs: 100 })
    const stop = new AbortController()
    const reports = executor.run(jobOf('hang in native code'), slots[0]!, stop.signal)[Symbol.asyncIterator]()
    await reports.next()
    const last = reports.next()
    stop.abort()
    await expect(last).rejects.toMatchObject({ name: 'TrialLostError', message: expect.stringContaining('ended by force') as unknown }) // prettier-ignore
    expect(executor.slots).toHaveLength(2)
    expect(await readAll(executor, jobOf('count'))).toHaveLength(3)
  })

  test('keeps what native code prints in the log', async () => {
    const job = jobOf('print natively')
    await readAll(open(), job)
    expect(readFileSync(join(job.dir, 'log.txt'), 'utf8')).toBe('from native code\n'.repeat(3))
  })

  test('lets a process see its own GPU alone, by its UUID', async () => {
    const device = { kind: 'cuda', index: 3, threads: 1, uuid: 'GPU-3f1c' } as const
    const gpus = processesExecutor([{ index: 0, device }], { script, args: () => [results, '0'] })
    onTestFinished(() => gpus.close())
    const [report] = await readAll(
      gpus,
      jobOf('tell its device', { device }),
      new AbortController().signal,
      gpus.slots[0],
    )
    expect(report).toEqual({ pq: 0, visible: 'GPU-3f1c', order: 'PCI_BUS_ID', pid: expect.any(Number) as unknown })
  })

  test('replaces a process that dies between two trials, which costs none of them', async () => {
    const executor = open()
    const [report] = (await readAll(executor, jobOf('tell its device'))) as readonly { readonly pid: number }[]
    process.kill(report!.pid, 'SIGKILL')
    while (isThere(report!.pid)) await new Promise((resolve) => setTimeout(resolve, 5))
    expect(await readAll(executor, jobOf('count'))).toHaveLength(3)
  })
})

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
