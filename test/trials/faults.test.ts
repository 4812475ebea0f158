import { once } from 'node:events'
import { existsSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import { cli, jsonLines, startTune, tinyStudy, workspace } from '../cli/tune.ts'

/** A study in processes, whose trial 1 does something. */
function studyThat(does: string, budget = '{ trials: 3, steps: 2 }'): string {
  const study = tinyStudy(`
    executor: 'processes',
    budget: ${budget},
    async *objective({ lr }, { number, maxSteps, dir }) {
      for (let step = 1; step <= maxSteps; step++) {
        yield { pq: step + lr }
        if (number === 1) { ${does} }
      }
    },`)
  return `import { spawnSync } from 'node:child_process'\nimport { existsSync as exists, writeFileSync, writeSync } from 'node:fs'\n${study}`
}

function isAlive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(')') + 2))
  } catch {
    return false
  }
}

describe.skipIf(!existsSync(cli))('a study in processes', () => {
  test.skipIf(process.platform !== 'linux')(
    'whose driver is killed while a worker hangs in native code: the next driver ends that worker before the trial goes on',
    async () => {
      const { dir, tune: here } = workspace({ 'hang.ts': studyThat(`if (exists('hang')) spawnSync('sleep', ['100'])`), hang: '' }) // prettier-ignore
      const driver = startTune(dir, ['hang.ts', '--slots', '1', '--json'])
      let printed = ''
      driver.stdout?.on('data', (chunk: Buffer) => (printed += chunk.toString()))
      while (!/"trial-reported".*"trial":1/.test(printed)) await sleep(20)
      await sleep(200)
      driver.kill('SIGKILL')
      await once(driver, 'exit')
      const { pid } = JSON.parse(readFileSync(join(dir, 'results/tiny/workers/0.json'), 'utf8')) as { pid: number }
      onTestFinished(() => {
        if (isAlive(pid)) process.kill(pid, 'SIGKILL')
      })
      expect(isAlive(pid)).toBe(true)
      rmSync(join(dir, 'hang'))
      const { code, stdout } = await here('hang.ts', '--slots', '1', '--json')
      expect({ code, isAlive: isAlive(pid) }).toEqual({ code: 0, isAlive: false })
      const ends = jsonLines(stdout).filter(({ kind }) => kind === 'trial-ended')
      expect(ends.map(({ trial, state, steps }) => [trial, state, steps])).toEqual([1, 2].map((trial) => [trial, 'complete', 2])) // prettier-ignore
    },
  )

  test('runs a trial again whose process crashes, says why, and fails it when that goes on', async () => {
    const once = studyThat(`if (!exists(dir + '.once')) { writeFileSync(dir + '.once', ''); process.kill(process.pid, 'SIGSEGV'); await sleep(9999) }`) // prettier-ignore
    const { tune: here } = workspace({ 'once.ts': once, 'always.ts': studyThat(`process.exit(3)`) })
    const first = await here('once.ts', '--slots', '1', '--json', '--name', 'once')
    expect(first.code).toBe(0)
    const ends = jsonLines(first.stdout).filter(({ kind, trial }) => kind === 'trial-ended' && trial === 1)
    expect(ends.map(({ state, reason }) => [state, reason])).toEqual([
      ['interrupted', 'its process crashed: it used memory that is not its own (SIGSEGV)'],
      ['complete', 'reached its budget of 2 reports'],
    ])
    const second = await here('always.ts', '--slots', '1', '--json', '--name', 'always', '--max-failures', '1')
    expect(second.code).toBe(5)
    const tries = jsonLines(second.stdout).filter(({ kind, trial }) => kind === 'trial-ended' && trial === 1)
    expect(tries.map(({ state }) => state)).toEqual(['interrupted', 'interrupted', 'interrupted', 'failed'])
    expect(tries.at(-1)).toMatchObject({ code: 'trial/lost', message: 'its process ended by itself with exit code 3' })
  })

  test('keeps the beginning and the end of what a trial prints, however much it is', async () => {
    const loud = studyThat(`if (step === 1) for (let mb = 0; mb < 128; mb++) writeSync(1, Buffer.alloc(1 << 20, 'x\\n'))`) // prettier-ignore
    const { dir, tune: here } = workspace({ 'loud.ts': loud })
    const { code } = await here('loud.ts', '--slots', '1', '--quiet')
    expect(code).toBe(0)
    const log = join(dir, 'results/tiny/trials/0001/log.txt')
    expect(statSync(log).size).toBeLessThan(1.1 * 2 ** 20)
    expect(readFileSync(log, 'utf8')).toMatch(/^x\nx\n[^]* bytes were left out here [^]*x\nx\n$/)
  })
})
