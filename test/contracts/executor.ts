import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { Executor, Job, Slot } from '../../src/trials/executor.ts'
import { loadStudy } from '../../src/trials/load.ts'
import type { ExecutorOptions } from '../../src/trials/reading.ts'
import { temporaryDir } from '../temporary.ts'

export const slots: readonly Slot[] = [0, 1].map((index) => ({ index, device: { kind: 'cpu', index: 0, threads: 3 } }))

const [first, second] = slots as [Slot, Slot]

const forever = new AbortController().signal

/** A job of the study of behaviours, in a directory of its own. */
export type JobOf = (does: string, change?: Partial<Job>) => Job

/** What a trial noted in its directory. */
function notesOf({ dir }: Job): readonly string[] {
  return readFileSync(join(dir, 'notes.txt'), 'utf8').trimEnd().split('\n')
}

/** All reports of a job, by default in the first slot and never asked to stop. */
export async function readAll(
  executor: Executor,
  job: Job,
  signal = forever,
  slot = first,
): Promise<readonly unknown[]> {
  const reports: unknown[] = []
  for await (const report of executor.run(job, slot, signal)) reports.push(report)
  return reports
}

/** What every executor promises. `create` gives a new one over `slots`. */
export function testExecutor(create: (options?: ExecutorOptions) => Executor): JobOf {
  let studyUrl: string
  beforeAll(async () => {
    const file = fileURLToPath(new URL('../fixtures/studies/behaviours.ts', import.meta.url))
    const results = mkdtempSync(join(tmpdir(), 'panoptune-test-'))
    studyUrl = (await loadStudy(file, results)).url
    return () => rmSync(results, { recursive: true })
  })
  const jobOf: JobOf = (does, change = {}) => {
    const dir = join(temporaryDir(), '0005')
    mkdirSync(dir)
    const { device } = first
    return {
      studyUrl,
      number: 5,
      params: { does },
      seed: 42,
      device,
      maxSteps: 9,
      dir,
      reported: 0,
      settings: { reports: 3 },
      data: {},
      ...change,
    }
  }
  const open = (options?: ExecutorOptions): Executor => {
    const executor = create(options)
    onTestFinished(() => executor.close())
    return executor
  }
  test('gives what the objective yields, made from what the job says', async () => {
    const executor = open()
    const prepared = new Float64Array(new SharedArrayBuffer(8)).fill(0.25)
    const data = executor.data === 'prepared again' ? {} : prepared
    const told = { seed: 42, number: 5, threads: 3, maxSteps: 9, data: 0.25 }
    const reports = await readAll(executor, jobOf('count', { data }))
    expect(reports).toEqual([1, 2, 3].map((pq) => ({ pq, ...told })))
  })

  test('leaves params as they are, though the objective writes to its own', async () => {
    const job = jobOf('count')
    await readAll(open(), job)
    expect(job.params).toEqual({ does: 'count' })
  })

  test('runs one trial after another, and several slots at a time', async () => {
    const executor = open()
    const jobs = [jobOf('count'), jobOf('count'), jobOf('count')]
    await readAll(executor, jobs[0]!)
    const both = await Promise.all([readAll(executor, jobs[1]!), readAll(executor, jobs[2]!, forever, second)])
    expect(both.map((reports) => reports.length)).toEqual([3, 3])
    for (const job of jobs) expect(notesOf(job).at(-1)).toBe('cleaned up')
  })

  test('lets the objective stand still between two reports', async () => {
    const job = jobOf('count')
    const reports = open().run(job, first, forever)[Symbol.asyncIterator]()
    await reports.next()
    await new Promise((resolve) => setImmediate(resolve))
    expect(notesOf(job)).toEqual(['report 1'])
    await reports.next()
    expect(notesOf(job)).toEqual(['report 1', 'report 2'])
    await reports.return?.()
  })

  test('has run the `finally` of an objective when reading it stops', async () => {
    const job = jobOf('count')
    for await (const _ of open().run(job, first, forever)) break
    expect(notesOf(job)).toEqual(['report 1', 'cleaned up'])
  })

  describe('an error', () => {
    test.each([
      ['throw', { name: 'Error', message: 'no more' }],
      ['shout', { name: 'TypeError', message: 'loud', code: 'E_LOUD' }],
      ['diverge', { name: 'DivergedError', message: 'loss is NaN' }],
    ])('of an objective that does %s is thrown with its name, and its stack is in the log', async (does, expected) => {
      const job = jobOf(does)
      await expect(readAll(open(), job)).rejects.toMatchObject(expected)
      expect(readFileSync(join(job.dir, 'log.txt'), 'utf8')).toMatch(new RegExp(`${expected.message}\\n +at `))
      expect(notesOf(job).at(-1)).toBe('cleaned up')
    })

    test('of cleaning up is thrown to whoever stops reading', async () => {
      const reports = open().run(jobOf('fail to clean up'), first, forever)[Symbol.asyncIterator]()
      await reports.next()
      await expect(reports.return?.()).rejects.toThrow('the mess stays')
    })

    test('of a module that cannot be imported is thrown', async () => {
      await expect(readAll(open(), jobOf('count', { studyUrl: 'file:///no/such/study.mjs' }))).rejects.toThrow(
        'no/such/study.mjs',
      )
    })
  })

  test('an objective that ends without a report gives none', async () => {
    expect(await readAll(open(), jobOf('end'))).toEqual([])
  })

  test('what an objective prints is in its log, and nowhere else', async () => {
    const job = jobOf('print')
    await readAll(open(), job)
    expect(readFileSync(join(job.dir, 'log.txt'), 'utf8')).toBe('out 1\nerr 1\nout 2\nerr 2\nout 3\nerr 3\n')
  })

  test('the signal reaches the objective, which may end by it', async () => {
    const job = jobOf('wait')
    const stop = new AbortController()
    const reports = open().run(job, first, stop.signal)[Symbol.asyncIterator]()
    await reports.next()
    const last = reports.next()
    stop.abort()
    expect((await last).done).toBe(true)
    expect(notesOf(job)).toEqual(['aborted', 'cleaned up'])
  })

  test('an objective is not started once it has to end', async () => {
    const job = jobOf('count')
    expect(await readAll(open(), job, AbortSignal.abort())).toEqual([])
    expect(() => notesOf(job)).toThrow('ENOENT')
  })

  test('an objective that ignores the signal is lost after the grace period, and its slot is free again', async () => {
    const executor = open({ graceMs: 30 })
    const stop = new AbortController()
    const reports = executor.run(jobOf('ignore'), first, stop.signal)[Symbol.asyncIterator]()
    await reports.next()
    const last = reports.next()
    stop.abort()
    await expect(last).rejects.toMatchObject({ name: 'TrialLostError', message: expect.stringContaining('0.03 s') })
    expect(await readAll(executor, jobOf('count'))).toHaveLength(3)
  })

  test('an objective that hangs while it cleans up is lost after the grace period', async () => {
    const executor = open({ graceMs: 30 })
    const reports = executor.run(jobOf('hang'), first, forever)[Symbol.asyncIterator]()
    await reports.next()
    await expect(reports.return?.()).rejects.toMatchObject({ name: 'TrialLostError' })
    expect(await readAll(executor, jobOf('count'))).toHaveLength(3)
  })

  test('closing ends what runs, read or not', async () => {
    const executor = open()
    const jobs = [jobOf('wait'), jobOf('count')] as const
    const [waiting, standing] = [executor.run(jobs[0], first, forever), executor.run(jobs[1], second, forever)]
    const readers = [waiting[Symbol.asyncIterator](), standing[Symbol.asyncIterator]()] as const
    await Promise.all(readers.map((reader) => reader.next()))
    const last = readers[0].next()
    await executor.close()
    expect((await last).done).toBe(true)
    for (const job of jobs) expect(notesOf(job).at(-1)).toBe('cleaned up')
  })

  return jobOf
}
