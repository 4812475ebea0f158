import { appendFileSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { mistake, mistakeOf, tinyStudy, workspace } from './tune.ts'

/** What a trial gives depends on its seed, its data and what `chance` says; it leaves a network of a sort. */
const lucky = (chance = '0') =>
  tinyStudy(`
  prepare: () => ({ pixels: new Uint8Array(new SharedArrayBuffer(4)) }),
  async *objective({ lr }, { seed, maxSteps, dir, data }) {
    const { writeFileSync } = await import('node:fs')
    writeFileSync(dir + '/model.safetensors', String(seed))
    for (let step = 1; step <= maxSteps; step++) yield { pq: step + data.pixels[0] + (seed % 97) * lr + ${chance} }
  },`)

/** A stage that begins from the best of the study `tiny`. */
const stage = tinyStudy(`
  name: 'second',
  prepare: ({ bestOf }) => ({ from: bestOf('tiny') }),
  async *objective({ lr }, { data }) {
    const { readFileSync } = await import('node:fs')
    yield { pq: Number(readFileSync(data.from, 'utf8')) + lr }
  },`)

describe('tune lineage', () => {
  test('tells code, data, settings, seed, versions, machine and attempts of a trial, and what it left', async () => {
    const { tune } = workspace({ 'lucky.ts': lucky() })
    await tune('lucky.ts')
    const { code, stdout } = await tune('lineage', '1')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^trial 1 of tiny: complete, pq [\d.]+, 3 reports$/m)
    expect(stdout).toMatch(/^seed +\d+, of study seed 0$/m)
    expect(stdout).toMatch(/^settings +gain 1 {2}label plain {2}loud false$/m)
    expect(stdout).toMatch(/^from +nothing: it began anew$/m)
    expect(stdout).toMatch(/^data +[0-9a-f]{12}$/m)
    expect(stdout).toMatch(/^versions +panoptune [\d.]+, node v[\d.]+, onnxruntime-node [\d.]+$/m)
    expect(stdout).toMatch(/^attempt 1 +\S+Z on .*, cpu with \d+ threads?, [\d.]+ s, complete$/m)
    expect(stdout).toMatch(/^left +a network, sha256 [0-9a-f]{12}$/m)
    expect(stdout).toMatch(/^changed +nothing that can be seen from here$/m)
    expect(stdout).toMatch(/^again +npx tune rerun 1 --study tiny$/m)
  })

  test('tells what was edited since; --json gives whole hashes', async () => {
    const { tune, write } = workspace({ 'lucky.ts': lucky() })
    await tune('lucky.ts')
    write('lucky.ts', lucky('1'))
    const lineage = JSON.parse((await tune('lineage', '0', '--json')).stdout) as { readonly changes: readonly string[] }
    expect(lineage).toMatchObject({ study: 'tiny', trial: 0, code: expect.stringMatching(/^[0-9a-f]{64}$/) })
    expect(lineage.changes).toEqual(['its code was edited since: lucky.ts'])
    expect(mistakeOf(await tune('lineage', '9'))).toEqual(mistake('usage', /no trial 9/, /0 to 3/))
  })
})

describe('tune rerun', () => {
  test('runs a trial again as it was, though its file was edited since: every report is the same', async () => {
    const { tune, write } = workspace({ 'lucky.ts': lucky() })
    await tune('lucky.ts')
    write('lucky.ts', lucky('1'))
    const { code, stdout, stderr } = await tune('rerun', '2')
    expect(stdout).toBe('trial 2 of tiny is the same again: 3 reports, bit for bit\n')
    expect(stderr).toMatch(/^report 3 of 3 is the same$/m)
    expect(code).toBe(0)
  })

  test('names the first value that is not the same, and exits with 8; an edited file is no reason', async () => {
    const { tune, write } = workspace({ 'lucky.ts': lucky('Math.random()') })
    await tune('lucky.ts')
    write('lucky.ts', lucky('1'))
    const { code, stdout } = await tune('rerun', '2')
    expect(stdout).toMatch(/^trial 2 of tiny is not the same again, from report 1 on: pq was [\d.]+, is [\d.]+$/m)
    expect(stdout).toMatch(/its objective takes chance or time from elsewhere than trial\.seed/)
    expect(code).toBe(8)
  })

  test('says that the data is not what it was', async () => {
    const file = join(workspace().dir, 'pixels')
    const study = lucky().replace('new SharedArrayBuffer(4)', `new SharedArrayBuffer(existsSync('${file}') ? 5 : 4)`)
    const { tune } = workspace({ 'lucky.ts': study })
    await tune('lucky.ts')
    appendFileSync(file, '')
    expect(existsSync(file)).toBe(true)
    const { stderr, code } = await tune('rerun', '0')
    expect(stderr).toMatch(/^note: the data is not what it was$/m)
    expect(code).toBe(0)
  })
})

describe('a study that begins from the best of another', () => {
  test('keeps to what it got first, is called stale once there is a better one, and begins anew by --name', async () => {
    const { tune } = workspace({ 'lucky.ts': lucky(), 'stage.ts': stage })
    await tune('lucky.ts', '--trials', '2', '--slots', '1')
    const first = JSON.parse((await tune('best', '--json')).stdout) as { readonly trial: number; readonly seed: number }
    await tune('stage.ts', '--trials', '2', '--slots', '1')
    expect((await tune('status')).stdout).not.toMatch(/stale/)

    await tune('resume', 'tiny', '--trials', '12')
    const better = JSON.parse((await tune('best', '--study', 'tiny', '--json')).stdout) as typeof first
    expect(better.trial).not.toBe(first.trial)
    const stale = `it begins from trial ${first.trial} of 'tiny', whose best is trial ${better.trial} by now`
    expect((await tune('status')).stdout).toMatch(new RegExp(`^second is stale: ${stale}$`, 'm'))
    expect((await tune('lineage', '0', '--study', 'second')).stdout).toMatch(new RegExp(stale.replaceAll(' ', '\\s+')))

    const resumed = await tune('resume', 'second', '--trials', '3')
    expect(resumed.stdout).toMatch(/stale: it begins from trial/)
    const seeds = async (study: string) => {
      const { metrics } = JSON.parse((await tune('best', '--study', study, '--json')).stdout) as {
        metrics: { pq: number }
      }
      return Math.floor(metrics.pq)
    }
    expect(await seeds('second')).toBe(first.seed)
    await tune('stage.ts', '--name', 'anew', '--trials', '1')
    expect(await seeds('anew')).toBe(better.seed)
  })

  test('cannot start before the other has a trial', async () => {
    const { tune } = workspace({ 'stage.ts': stage })
    const expected = mistake(
      'study/unknown',
      /begins from the best trial of 'tiny', but no study 'tiny'/,
      /run 'tiny' first/,
    )
    expect(mistakeOf(await tune('stage.ts', '--quiet'))).toEqual(expected)
  })
})
