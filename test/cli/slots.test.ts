import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { fitOf } from '../../src/cli/gpu_memory.ts'
import { slotCount, slotsOf, type SlotCount } from '../../src/cli/slots.ts'
import type { Device } from '../../src/trial.ts'
import { TWO_GPUS, TWO_PARTS, withSmi } from '../fake_gpus.ts'
import { ended, mistake, mistakeOf, startTune, tinyStudy, tune, workspace, type Environment } from './tune.ts'

/** A study whose trials say that they run, and end once a file `go` is there. */
function waitingStudy(name: string, trials = 1): string {
  return tinyStudy(`
    name: '${name}',
    budget: { trials: ${trials}, steps: 1 },
    async *objective(_, { number }) {
      const { writeFileSync } = await import('node:fs')
      writeFileSync('${name}-' + number, '')
      while (!existsSync('go')) await sleep(10)
      yield { pq: 1, seconds: 1 }
    },
  `)
}

describe('--device and --slots', () => {
  const shape = (device: string, count?: SlotCount) =>
    slotsOf(device, count).map(({ device: { kind, index } }) => `${kind}:${index}`)
  const cores = availableParallelism()

  test('give one slot a GPU, or several each in turn', () => {
    expect(shape('cuda')).toEqual(['cuda:0'])
    expect(shape('cuda:3,1')).toEqual(['cuda:3', 'cuda:1'])
    expect(shape('cuda:0,1', 3)).toEqual(['cuda:0', 'cuda:1', 'cuda:0'])
    expect(shape('webgpu', 'auto')).toEqual(['webgpu:0'])
  })

  test('give a GPU four slots at most that memory may hold, and each a core', () => {
    expect(shape('cuda:0', 'auto')).toHaveLength(Math.min(4, cores))
    const both = shape('cuda:0,1', 'auto')
    expect(both.filter((name) => name === 'cuda:1')).toHaveLength(Math.max(1, Math.min(4, Math.floor(cores / 2))))
    expect(both).toHaveLength(2 * both.filter((name) => name === 'cuda:0').length)
  })

  test('give the CPU one slot a core, or as many as memory is free for', () => {
    const free = vi.spyOn(process, 'availableMemory').mockReturnValue(cores * 2 ** 30)
    const said: string[] = []
    const slots = (count?: SlotCount) => slotsOf('cpu', count, (text) => said.push(text)).length
    expect([slots(), slots('auto'), said]).toEqual([cores, cores, []])
    for (const mebibytes of [600, 0]) {
      free.mockReturnValue(mebibytes * 2 ** 20)
      expect([slots(), slots('auto'), slots(5)]).toEqual([1, 1, 5])
    }
    const reason = `1 slot: ${cores} cores, but memory is free for 1 at 512 MiB each (--slots N insists)`
    expect(said).toEqual(cores === 1 ? [] : Array(4).fill(reason))
  })

  test('divide the threads of the CPU among the slots', () => {
    const threads = (count: number) => slotsOf('cpu', count).map((slot) => slot.device.threads)
    expect(threads(1)).toEqual([cores])
    expect(threads(cores + 1)).toEqual(Array(cores + 1).fill(1))
  })

  test.each(['cuda:0,0', 'cuda:x', 'cpu:0', 'cuda:-1', 'cuda:1e1', 'cuda:', 'cuda:0,,1', 'cuda:12345'])(
    'refuse %s',
    (device) => {
      // prettier-ignore
      expect(() => slotsOf(device, 1)).toThrow(/is no list of device numbers$/)
    },
  )

  test.each(['gpu', '', 'CUDA'])("refuse '%s'", (device) => {
    expect(() => slotsOf(device, 1)).toThrow(/no such kind of device$/)
  })

  test.each(['0', '-1', '1.5', '1025', 'all', ''])("refuse --slots '%s'", (text) => {
    expect(() => slotCount(text)).toThrow(/from 1 to 1024, or auto/)
  })
})

const running: ChildProcess[] = []
afterEach(() => {
  for (const child of running.splice(0)) child.kill('SIGKILL')
  vi.restoreAllMocks()
})

/** Resolves once a process has written a file; fails where it ends without. */
async function writes(child: ChildProcess, file: string): Promise<void> {
  while (!existsSync(file)) {
    if (child.exitCode !== null) throw new Error(`the process ended by ${child.exitCode} before it wrote ${file}`)
    await sleep(10)
  }
}

/** A study that runs on a device, once its first trial does. */
async function startWaiting(dir: string, name: string, ...words: readonly string[]): Promise<ChildProcess> {
  const child = startTune(dir, [`${name}.ts`, ...words], withSmi(dir, TWO_GPUS))
  running.push(child)
  await writes(child, join(dir, `${name}-0`))
  return child
}

function threeStudies() {
  return workspace({ 'a.ts': waitingStudy('a'), 'b.ts': waitingStudy('b'), 'tiny.ts': tinyStudy() })
}

describe('two runs at once', () => {
  test('never share a slot of a GPU: the second takes another GPU, and the third is told who has both', async () => {
    const { dir } = threeStudies()
    const env = withSmi(dir, TWO_GPUS)
    const a = await startWaiting(dir, 'a', '--device', 'cuda:0')
    const b = await startWaiting(dir, 'b', '--device', 'cuda:0,1')
    const third = await tune(dir, ['tiny.ts', '--device', 'cuda:1,0'], env)
    const [ofA, ofB] = [`study 'a' (process ${a.pid})`, `study 'b' (process ${b.pid})`]
    const both = new RegExp(`^${`cuda:1 is used by ${ofB}, cuda:0 is used by ${ofA}`.replaceAll(/[()]/g, '\\$&')}$`)
    expect(mistakeOf(third)).toMatchObject(mistake('device/busy', both, /tune devices .*--slots N/))

    const { stdout } = await tune(dir, ['devices'], env)
    expect(stdout).toContain(`\n          slot 0: ${ofA}\n`)
    expect(stdout).toContain(`\n          slot 0: ${ofB}\n`)
    writeFileSync(join(dir, 'go'), '')
    const [, ranB] = await Promise.all([ended(a), ended(b)])
    expect(ranB.stderr).toBe(`cuda:0 is used by ${ofA}: this run has 1 slot, not 2\n`)
    expect((await tune(dir, ['tiny.ts', '--device', 'cuda:0'], env)).code).toBe(0)
  })

  test('may share a GPU by slots, where the second asks for more of them', async () => {
    const { dir } = threeStudies()
    await startWaiting(dir, 'a', '--device', 'cuda:0')
    const { code, stderr } = await tune(dir, ['tiny.ts', '--device', 'cuda:0', '--slots', '2'], withSmi(dir, TWO_GPUS))
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringMatching(/: this run has 1 slot, not 2\n$/) as string }) // prettier-ignore
  })

  test('share the CPU, as nobody is refused there', async () => {
    const { dir } = threeStudies()
    await startWaiting(dir, 'a')
    const { code, stderr } = await tune(dir, ['tiny.ts'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  })
})

test('a run that is killed has no slot left', async () => {
  const { dir } = threeStudies()
  const a = await startWaiting(dir, 'a', '--device', 'cuda:0')
  a.kill('SIGKILL')
  await once(a, 'exit')
  expect((await tune(dir, ['tiny.ts', '--device', 'cuda:0'], withSmi(dir, TWO_GPUS))).code).toBe(0)
})

describe('a process for each slot', () => {
  const seen = tinyStudy(`
    budget: { trials: 6, steps: 1 },
    executor: 'processes',
    async *objective(_, { number, device: { kind, index, uuid } }) {
      const { writeFileSync } = await import('node:fs')
      const { CUDA_VISIBLE_DEVICES: mask, CUDA_DEVICE_ORDER: order } = process.env
      writeFileSync('seen-' + number, JSON.stringify({ kind, index, uuid, mask, order }))
      await sleep(300)
      yield { pq: 1, seconds: 1 }
    },
  `)

  /** What the trials saw of their devices, each once. */
  async function seenOn(device: readonly string[], smi: string, env: Environment = {}): Promise<readonly unknown[]> {
    const { dir } = workspace({
      'tiny.ts': seen,
      'modules/@tensorflow/tfjs-node-gpu/package.json': '{"version":"4.22.0"}',
    })
    const around = { ...withSmi(dir, smi), NODE_PATH: join(dir, 'modules'), ...env }
    const { code, stderr } = await tune(dir, ['tiny.ts', '--device', ...device], around)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const texts = Array.from({ length: 6 }, (_, i) => readFileSync(join(dir, `seen-${i}`), 'utf8'))
    return [...new Set(texts)].toSorted().map((text) => JSON.parse(text) as unknown)
  }

  const alone = (kind: Device['kind'], uuid: string) => ({ kind, index: 0, uuid, mask: uuid, order: 'PCI_BUS_ID' })

  test('sees its own part of a GPU alone, though CUDA shows only one to a process', async () => {
    const found = await seenOn(['cuda:0,1'], TWO_PARTS, { CUDA_VISIBLE_DEVICES: 'MIG-2,MIG-1' })
    expect(found).toEqual([alone('cuda', 'MIG-1'), alone('cuda', 'MIG-2')])
  })

  test.skipIf(Number(process.versions.node.split('.')[0]) > 22)(
    'gives TensorFlow.js several GPUs, of which it takes one a process',
    async () => {
      // prettier-ignore
      expect(await seenOn(['tfjs:0,1'], TWO_GPUS)).toEqual([alone('tfjs', 'GPU-aaaa1111'), alone('tfjs', 'GPU-bbbb2222')])
    },
  )

  test('lets WebGPU run several sessions', async () => {
    expect(await seenOn(['webgpu', '--slots', '2'], 'exit 1')).toEqual([{ kind: 'webgpu', index: 0 }])
  })
})

describe('--slots auto', () => {
  /** A GPU whose memory in use is what a file says. */
  const smi = (dir: string) =>
    `used=$(cat ${dir}/used); echo "0, GPU-a, NVIDIA H200, 143156, $used, $((143156 - used)), 0"`

  /** Each trial takes so many MiB, and reports how many run at that time. */
  const study = (mebibytes: number) =>
    tinyStudy(`
      budget: { trials: 6, steps: 1 },
      async *objective(_, { number }) {
        const { readdirSync, readFileSync, renameSync, writeFileSync, rmSync } = await import('node:fs')
        const use = (change) => {
          writeFileSync('draft', String(Number(readFileSync('used', 'utf8')) + change))
          renameSync('draft', 'used')
        }
        writeFileSync('runs-' + number, '')
        use(${mebibytes})
        try {
          await sleep(number === 0 ? 2500 : 200)
          yield { pq: -readdirSync('.').filter((name) => name.startsWith('runs-')).length, seconds: 1 }
        } finally {
          use(${-mebibytes})
          rmSync('runs-' + number)
        }
      },
    `)

  async function runWith(script: (dir: string) => string, mebibytes: number) {
    const { dir } = workspace({ 'tiny.ts': study(mebibytes), used: '512' })
    const words = ['tiny.ts', '--device', 'cuda', '--slots', 'auto']
    const { code, stdout, stderr } = await tune(dir, words, withSmi(dir, script(dir)))
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const running = [...stdout.matchAll(/ step 1 {2}pq -(\d)/g)].map(([, n]) => Number(n))
    return { running, said: /^cuda:0 .*/m.exec(stdout)?.[0] }
  }

  test.skipIf(availableParallelism() < 2)('runs one trial alone, and then as many as fit beside it', async () => {
    const { running, said } = await runWith(smi, 20_480)
    expect([running[0], Math.max(...running)]).toEqual([1, Math.min(4, availableParallelism())])
    expect(said).toMatch(/^cuda:0 fits \d trials: one peaked at 20\.0 GiB of 139\.8$/)
  })

  test('ends after Ctrl-C while slots wait for the first trial to be measured', async () => {
    const { dir } = workspace({ 'a.ts': waitingStudy('a', 9) })
    const a = startTune(dir, ['a.ts', '--device', 'cuda', '--slots', 'auto'], withSmi(dir, TWO_GPUS))
    running.push(a)
    await writes(a, join(dir, 'a-0'))
    a.kill('SIGINT')
    const end = ended(a)
    await sleep(200)
    writeFileSync(join(dir, 'go'), '')
    const { code, stdout } = await end
    expect({ code, started: stdout.match(/trial \d started/g) }).toEqual({ code: 130, started: ['trial 0 started'] })
  })

  test.skipIf(availableParallelism() < 2)('runs one at a time where no two fit, and says so', async () => {
    const { running, said } = await runWith(smi, 81_920)
    expect(new Set(running)).toEqual(new Set([1]))
    expect(said).toMatch(/^cuda:0 does not fit \d trials: one peaked at 80\.0 GiB of 139\.8, 1 fits \(--slots N insists\)$/) // prettier-ignore
  })

  test.skipIf(availableParallelism() < 2)('runs one at a time where memory is not known, and says so', async () => {
    const { running, said } = await runWith(() => "echo '0, GPU-a, NVIDIA H200, [N/A], [N/A], [N/A], [N/A]'", 1)
    expect(new Set(running)).toEqual(new Set([1]))
    expect(said).toBe('cuda:0 takes one trial at once: nvidia-smi does not say how much memory it has left')
  })
})

test('tune probe measures the GPU that the mask shows, and says how many trials would fit', async () => {
  const { dir } = workspace()
  const env = { ...withSmi(dir, TWO_GPUS), CUDA_VISIBLE_DEVICES: '1' }
  const words = ['probe', '--study', 'tiny.ts', '--device', 'cuda:0']
  const { stdout } = await tune(dir, [...words, '--json'], env)
  const { uuid, index } = (JSON.parse(stdout) as { slots: readonly { device: Device }[] }).slots[0]!.device
  expect({ uuid, index }).toEqual({ uuid: 'GPU-bbbb2222', index: 0 })
  expect((await tune(dir, words, env)).stdout).toMatch(/^slots +cuda:0 fits \d trials?: one took no memory there that/m)
})

describe('what fits a GPU', () => {
  const device: Device = { kind: 'cuda', index: 1, threads: 1, uuid: 'GPU-b' }
  const before = { total: 143_156, free: 143_156, used: 0 }

  test('is what its memory holds, with a fifth more for each', () => {
    const seen = { before, peak: 39_117 }
    const reason = 'cuda:1 does not fit 4 trials: one peaked at 38.2 GiB of 139.8, 3 fit (--slots N insists)'
    expect(fitOf(device, 4, seen)).toEqual({ trials: 3, reason })
    expect(fitOf(device, 3, seen)).toEqual({ trials: 3, reason: 'cuda:1 fits 3 trials: one peaked at 38.2 GiB of 139.8' }) // prettier-ignore
  })

  test('leaves alone what others use', () => {
    const shared = { total: 143_156, free: 43_156, used: 100_000 }
    const reason = 'cuda:1 does not fit 4 trials: one peaked at 19.5 GiB of 139.8, 97.7 GiB were in use before, 1 fits (--slots N insists)' // prettier-ignore
    expect(fitOf(device, 4, { before: shared, peak: 120_000 })).toEqual({ trials: 1, reason })
  })

  test('is one trial at least, and all where a trial takes no memory there', () => {
    expect(fitOf(device, 4, { before, peak: 1e6 }).trials).toBe(1)
    expect(fitOf(device, 4, { before: { ...before, used: 600 }, peak: 500 }).trials).toBe(4)
  })
})
