import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { jsonLines, mistake, mistakeOf, tinyStudy, workspace } from './tune.ts'

describe('a study that cannot be run is one message, exit code 2, and stores nothing:', () => {
  const space = (text: string) => tinyStudy(`space: ${text},`)

  test.each<[string, string, string, RegExp, RegExp | undefined]>([
    [
      'no default export',
      'export const study = 1',
      'study/invalid',
      /bad\.ts: it has no default export/,
      /export default defineStudy/,
    ],
    ['loguniform from 0', space('{ lr: loguniform(0, 1) }'), 'space/invalid', /bad\.ts:\d+: loguniform\(0, 1\)/, /./],
    ['a range upside down', space('{ lr: uniform(1, 0) }'), 'space/invalid', /bad\.ts:\d+: uniform\(1, 0\)/, /./],
    ['a syntax error', 'export default {', 'study/invalid', /bad\.ts:1: /, undefined],
    ['an error of its own', 'JSON.parse("{")', 'study/invalid', /bad\.ts:1: .*JSON/, undefined],
    ['a data set that its prepare refuses', tinyStudy(`prepare: () => { throw new Error('no such bucket') },`), 'study/invalid', /tiny: its prepare failed: no such bucket/, undefined], // prettier-ignore
  ])('%s', async (_, source, code, message, hint) => {
    const { dir, tune } = workspace({ 'bad.ts': source })
    expect(mistakeOf(await tune('--study', 'bad.ts', '--quiet'))).toEqual(mistake(code, message, hint))
    expect(existsSync(join(dir, 'results/tiny/trials'))).toBe(false)
  })

  test('a file that is not there', async () => {
    const ran = await workspace({}).tune('--study', 'studies/nowhere.ts')
    expect(mistakeOf(ran)).toEqual(
      mistake('study/invalid', /studies\/nowhere\.ts: there is no such study file/, /path/),
    )
  })

  test('an unknown setting, with the nearest known one', async () => {
    const { tune } = workspace()
    const near = await tune('tiny.ts', '--set', 'gian=2')
    expect(mistakeOf(near)).toEqual(mistake('settings/unknown', /--set gian: .*'tiny'/, /did you mean 'gain'\?/))
    const far = await tune('tiny.ts', '--set', 'colour=2')
    expect(mistakeOf(far)).toEqual(mistake('settings/unknown', /--set colour/, /gain, label, loud/))
  })

  test('a setting of another type', async () => {
    const { tune } = workspace()
    expect(mistakeOf(await tune('tiny.ts', '--set', 'gain=much'))).toEqual(
      mistake('usage', /--set gain=much: .*number/),
    )
    expect(mistakeOf(await tune('tiny.ts', '--set', 'gain=Infinity'))).toEqual(mistake('usage', /gain=Infinity/))
    expect(mistakeOf(await tune('tiny.ts', '--set', 'toString=1'))).toEqual(mistake('settings/unknown', /toString/, /gain/)) // prettier-ignore
    expect(mistakeOf(await tune('tiny.ts', '--set', 'loud=1'))).toEqual(mistake('usage', /--set loud=1: .*boolean/))
  })

  test.each(['../up', 'cache', '.hidden', 'a b'])(
    'the name %j, which would be no directory of its own',
    async (name) => {
      const ran = await workspace().tune('tiny.ts', '--name', name)
      expect(mistakeOf(ran)).toEqual(mistake('study/invalid', /--name .*name '/))
    },
  )
})

describe('a trial that goes wrong fails with its reason, and exit code 5 where none completes:', () => {
  test.each([
    ['a goal that is never reported', 'yield { accuracy: 1 }', 'trial/invalid-report', /report 1 lacks the goal 'pq': it has accuracy/], // prettier-ignore
    ['no report at all', 'return', 'trial/no-report', /ended without a report/],
    ['NaN', 'yield { pq: NaN }', 'trial/diverged', /'pq' was NaN in report 1/],
    ['a string', `yield 'fine'`, 'trial/invalid-report', /report 1 is 'fine'/],
    ['a string as a metric', `yield { pq: '55' }`, 'trial/invalid-report', /report 1 has '55' as 'pq'/],
    ['an error', `throw new RangeError('too far')`, 'trial/threw', /RangeError: too far/],
  ])('%s', async (_, body, code, message) => {
    const { tune } = workspace({ 'bad.ts': tinyStudy(`async *objective() { ${body} },`) })
    const { code: exit, stdout, stderr } = await tune('bad.ts', '--trials', '1', '--json')
    expect({ exit, stderr }).toEqual({ exit: 5, stderr: '' })
    const end = jsonLines(stdout).find(({ kind }) => kind === 'trial-ended')
    expect(end).toMatchObject({ state: 'failed', code, message: expect.stringMatching(message) })
  })

  test('and the study goes on where others complete', async () => {
    const source = tinyStudy(`async *objective({ lr }, { number }) {
      if (number % 2 === 1) throw new Error('odd')
      yield { pq: lr }
    },`)
    const { tune } = workspace({ 'odd.ts': source })
    const { code, stdout } = await tune('odd.ts', '--slots', '1')
    expect(code).toBe(0)
    expect(stdout).toMatch(/tiny: 4 trials in .* \(2 complete, 2 failed\)/)
    expect(stdout).toMatch(/^failed +2 trials \(the first is 1\): odd$/m)
  })
})

describe('a study whose file changed since its first trial', () => {
  test('is refused with what changed; its trials stay, and --name starts another', async () => {
    const { tune, write } = workspace()
    await tune('tiny.ts', '--slots', '1', '--trials', '2')
    write('tiny.ts', tinyStudy(`space: { lr: loguniform(1e-4, 10, { default: 0.01 }), schedule: choice('poly', 'step') },`)) // prettier-ignore
    const refused = await tune('tiny.ts', '--trials', '3')
    expect(mistakeOf(refused)).toEqual(
      mistake('study/changed', /'lr' was loguniform\(0\.0001, 1\b.*, is loguniform\(0\.0001, 10\b/, /trials stay.*--name tiny-2/), // prettier-ignore
    )
    expect(JSON.parse((await tune('list', '--json')).stdout)).toHaveLength(2)
    expect((await tune('tiny.ts', '--trials', '1', '--name', 'tiny-2')).code).toBe(0)
    expect((await tune('status')).stdout).toMatch(/^tiny +2 .*\ntiny-2 +1 /m)
  })

  test('only in its code is refused until that is accepted; a refused start leaves its resumption as it was', async () => {
    const { tune, write } = workspace()
    await tune('tiny.ts', '--slots', '1', '--trials', '2')
    write('tiny.ts', tinyStudy(`async *objective({ lr }) { yield { pq: lr } },`))
    const refused = await tune('tiny.ts', '--trials', '9')
    expect(mistakeOf(refused)).toEqual(mistake('study/changed', /other code/, /--accept-code-change/))
    const { code, stdout } = await tune('resume', 'tiny', '--accept-code-change')
    expect(code).toBe(0)
    expect(stdout).toMatch(/continues after 2 of 2 trials/)
  })

  test('is refused with other settings, and with another seed', async () => {
    const { tune } = workspace()
    await tune('tiny.ts', '--trials', '1')
    expect(mistakeOf(await tune('tiny.ts', '--set', 'gain=2'))).toEqual(mistake('study/changed', /setting 'gain' was 1, is 2/, /--name/)) // prettier-ignore
    expect(mistakeOf(await tune('tiny.ts', '--seed', '1'))).toEqual(mistake('study/changed', /the seed was 0, is 1/, /--name/)) // prettier-ignore
  })
})
