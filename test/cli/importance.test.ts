import { describe, expect, test } from 'vitest'
import { mistake, mistakeOf, tinyStudy, workspace } from './tune.ts'

/** What lr does is all there is to see; what note does is nothing. */
const plain = tinyStudy(`
  name: 'plain',
  space: { lr: loguniform(1e-4, 1, { default: 0.01 }), note: choice('a', 'b') },
  sampler: random(),
  budget: { trials: 60, steps: 1 },
  async *objective({ lr }) { yield { pq: -Math.abs(Math.log10(lr) + 1), seconds: 1 } },
`).replace('import { asha,', 'import { asha, random,')

describe('tune importance', () => {
  test('says what matters, by how much, and what cannot be told from nothing', async () => {
    const here = workspace({ 'plain.ts': plain })
    await here.tune('plain.ts', '--slots', '1', '--quiet')
    const { stdout, code } = await here.tune('importance')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^plain: what 60 complete trials of it say about pq\nparameter /)
    expect(stdout).toMatch(/\nlr +\d+ % \(\d+ to \d+\) +\d+ % \(\d+ to \d+\)\n/)
    expect(stdout).toMatch(/\nnote +cannot be told from nothing +cannot be told from nothing\n/)

    const json: unknown = JSON.parse((await here.tune('importance', '--json')).stdout)
    expect(json).toMatchObject({
      study: 'plain',
      trials: 60,
      best: [
        { name: 'lr', isShown: true },
        { name: 'note', isShown: false },
      ],
      variance: [
        { name: 'lr', isShown: true },
        { name: 'note', isShown: false },
      ],
    })
    expect(mistakeOf(await here.tune('importance', '--goal', 'seconds'))).toEqual(mistake('usage', /--goal seconds: the study has no such goal/, /its goals are pq/)) // prettier-ignore
  })

  test('says so where there are too few trials', async () => {
    const here = workspace()
    await here.tune('tiny.ts', '--slots', '1', '--quiet')
    expect((await here.tune('importance')).stdout).toBe(
      'tiny: what 4 complete trials of it say about pq\ntoo few to say which parameters matter: 10 are needed\n',
    )
  })
})
