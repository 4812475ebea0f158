import { describe, expect, test } from 'vitest'
import { mistake, mistakeOf, tinyStudy, tune, workspace } from './tune.ts'

/** What a trial gives depends on its seed, a little. */
const noisy = (noise: number) =>
  tinyStudy(
    `async *objective({ lr }, { seed }) { yield { pq: ${noise} * (seed % 100) - Math.abs(Math.log10(lr) + 1) } },`,
  )

describe('tune recheck', () => {
  test('runs the best and the baseline with new seeds, and says whether the gain is real', async () => {
    const { dir, tune: here } = workspace({ 'noisy.ts': noisy(1e-3) })
    await here('noisy.ts', '--slots', '1')
    const { code, stdout, stderr } = await here('recheck')
    expect(code).toBe(0)
    expect(stdout).toMatch(
      /^trial 2 of tiny against the baseline, 3 new seeds each\nmetric +best +baseline +gain +95 %\n/,
    )
    expect(stdout).toMatch(/^pq .* ± .* \+0\.892 +\+[\d.]+ to \+[\d.]+$/m)
    expect(stdout).toMatch(
      /^the gain in pq is more than the noise of seeds, on what chose it: its interval leaves out 0$/m,
    )
    expect(stderr.match(/^(best|baseline), seed \d of 3: pq /gm)).toHaveLength(6)
    // oxlint-disable-next-line no-control-regex
    expect((await tune(dir, ['recheck', '--seeds', '2'], { LC_ALL: 'C' })).stdout).toMatch(/^[\x00-\x7F]+$/)
  })

  test('--json gives every result and the interval of the gain', async () => {
    const { tune } = workspace({ 'noisy.ts': noisy(1e-3) })
    await tune('noisy.ts', '--slots', '1')
    const { stdout, stderr } = await tune('recheck', '--seeds', '2', '--json')
    expect(stderr).toBe('')
    expect(JSON.parse(stdout)).toMatchObject({
      study: 'tiny',
      trial: 2,
      best: [{ pq: expect.any(Number) }, { pq: expect.any(Number) }],
      gain: { pq: { mean: expect.closeTo(0.892, 1), low: expect.any(Number), high: expect.any(Number) } },
    })
  })

  test('has nothing to compare where the baseline is the best, or the study was edited', async () => {
    const { tune, write } = workspace({ 'noisy.ts': noisy(0) })
    await tune('noisy.ts', '--trials', '1')
    expect((await tune('recheck')).stdout).toMatch(/^the best of 'tiny' is its baseline: there is nothing to compare$/m)
    expect(JSON.parse((await tune('recheck', '--json')).stdout)).toMatchObject({ trial: 0, best: [], baseline: [] })
    await tune('noisy.ts')
    write('noisy.ts', noisy(1))
    expect(mistakeOf(await tune('recheck'))).toEqual(mistake('study/changed', /noisy\.ts was edited/, /as it was/))
  })
})
