import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, test, vi } from 'vitest'
import { lockSlot, slotsInUse } from '../../src/store/slot_locks.ts'
import { temporaryDir } from '../temporary.ts'

const me = { study: 'mine', pid: process.pid }
const children: ChildProcess[] = []

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  vi.unstubAllEnvs()
})

/** A temporary directory for this test's locks; the directory that they will lie in. */
function lockDir(): string {
  const dir = temporaryDir()
  vi.stubEnv('TMPDIR', dir)
  return join(dir, `panoptune-${process.getuid?.()}`)
}

/** A process that tries to take a slot and says `held` or `refused`, and then stays. */
async function racer(slot: number, study: string): Promise<{ readonly child: ChildProcess; readonly said: string }> {
  const module = fileURLToPath(new URL('../../dist/store/slot_locks.js', import.meta.url))
  const script = `
    const { lockSlot } = await import(${JSON.stringify(module)})
    const lock = lockSlot('GPU-a', ${slot}, { study: ${JSON.stringify(study)}, pid: process.pid })
    process.stdout.write('close' in lock ? 'held' : 'refused')
    setInterval(() => lock, 1000)
  `
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  children.push(child)
  const [said] = (await once(child.stdout, 'data')) as [Buffer]
  return { child, said: String(said) }
}

test('of processes that race for a slot one gets it, and the next one once that is killed', async () => {
  lockDir()
  const racers = await Promise.all(Array.from({ length: 6 }, (_, i) => racer(0, `study-${i}`)))
  const winners = racers.filter(({ said }) => said === 'held')
  expect(winners).toHaveLength(1)
  const { child } = winners[0]!
  const by = { study: `study-${racers.indexOf(winners[0]!)}`, pid: child.pid }
  expect(slotsInUse('GPU-a')).toEqual([{ slot: 0, by }])
  expect(lockSlot('GPU-a', 0, me)).toEqual({ slot: 0, by })

  child.kill('SIGKILL')
  await once(child, 'exit')
  expect(slotsInUse('GPU-a')).toEqual([])
  const lock = lockSlot('GPU-a', 0, me)
  expect(slotsInUse('GPU-a')).toEqual([{ slot: 0, by: me }])
  if ('close' in lock) lock.close()
  expect(slotsInUse('GPU-a')).toEqual([])
})

test('slots of a device, and devices, are taken one by one', async () => {
  lockDir()
  await racer(1, 'theirs')
  expect('close' in lockSlot('GPU-a', 0, me)).toBe(true)
  expect('close' in lockSlot('GPU-a', 1, me)).toBe(false)
  expect('close' in lockSlot('GPU-b', 1, me)).toBe(true)
  expect(slotsInUse('GPU-a').map(({ slot, by }) => [slot, by?.study])).toEqual([[0, 'mine'], [1, 'theirs']]) // prettier-ignore
})

test('a slot that is held by nobody knows is held all the same', async () => {
  const dir = lockDir()
  await racer(0, 'theirs')
  for (const text of ['{', '[]', 'null', '{"study":1,"pid":2}', `{"study":"${'x'.repeat(5000)}","pid":2}`]) {
    writeFileSync(join(dir, 'GPU-a-0.json'), text)
    expect(lockSlot('GPU-a', 0, me)).toEqual({ slot: 0, by: undefined })
  }
})

test('locks lie where nobody else may write, whatever a device is called', () => {
  const dir = lockDir()
  lockSlot('../../MIG-GPU-a/7/1', 0, me)
  expect(readdirSync(dir)).toEqual(expect.arrayContaining(['.._.._MIG-GPU-a_7_1-0.json', '.._.._MIG-GPU-a_7_1-0.lock']))
  expect(statSync(dir).mode & 0o777).toBe(0o700)
})

test('a directory of locks that others may write to is closed to them', () => {
  const dir = lockDir()
  mkdirSync(dir)
  chmodSync(dir, 0o777)
  lockSlot('GPU-a', 0, me)
  expect(statSync(dir).mode & 0o777).toBe(0o700)
})

test('a link in the place of that directory is not followed', () => {
  const dir = lockDir()
  const elsewhere = temporaryDir()
  symlinkSync(elsewhere, dir)
  expect(() => lockSlot('GPU-a', 0, me)).toThrow(/panoptune-\d+, for locks of devices, is no directory$/)
  expect(slotsInUse('GPU-a')).toEqual([])
  expect(readdirSync(elsewhere)).toEqual([])
})

test('to look at slots makes nothing', () => {
  const dir = lockDir()
  expect(slotsInUse('GPU-a')).toEqual([])
  expect(existsSync(dir)).toBe(false)
})
