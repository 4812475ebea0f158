import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { keptBundle, loadStudy } from '../../src/trials/load.ts'
import { temporaryDir } from '../temporary.ts'

const built = new URL('../../dist/trials/load.js', import.meta.url)

const definition = (fields: string) => `
import { asha, choice, defineStudy, loguniform, maximize, oneOf, uniform } from 'panoptune'
export default defineStudy({
  name: 'tiny', goal: maximize('pq'), space: { lr: loguniform(0.001, 1) }, budget: { trials: 2 },
  async *objective({ lr }) { yield { pq: lr } },
  ${fields}
})`

/** A study file of this source, among other files, in a directory of its own. */
function studyFile(source: string, others: Readonly<Record<string, string>> = {}): string {
  const dir = temporaryDir()
  for (const [name, content] of Object.entries({ 'study.ts': source, ...others })) {
    mkdirSync(join(dir, name, '..'), { recursive: true })
    writeFileSync(join(dir, name), content)
  }
  return join(dir, 'study.ts')
}

const load = (file: string) => loadStudy(file, join(temporaryDir(), 'results'))

describe('a study file', () => {
  test('is loaded with its local imports, its packages and this very panoptune', async () => {
    const source = `import { answer } from './lib/answer.ts'\nimport { named } from 'some-package'\n${definition('settings: { answer, named },')}`
    const file = studyFile(source, {
      'lib/answer.ts': 'export const answer: number = 42',
      'node_modules/some-package/package.json': '{ "name": "some-package", "type": "module", "exports": "./main.js" }',
      'node_modules/some-package/main.js': 'export const named = import.meta.url',
    })
    const { study, url, codeHash } = await load(file)
    expect(study).toMatchObject({
      name: 'tiny',
      settings: { answer: 42, named: expect.stringContaining('some-package/main.js') },
    })
    expect(url).toMatch(/^file:.*\/results\/\.cache\/studies\/[0-9a-f]{64}\.mjs$/)
    expect(codeHash).toMatch(/^[0-9a-f]{64}$/)
  })

  test('has the same code wherever it lies, and with other comments and spacing', async () => {
    const source = definition(
      'settings: { here: import.meta.url, dir: import.meta.dirname, file: import.meta.filename },',
    )
    const file = studyFile(source)
    const one = await load(file)
    expect(one.study.settings).toMatchObject({ file, dir: dirname(file) })
    const other = await load(studyFile(`// moved\n\n${source.replaceAll(', ', ',\n ')}\n/* end */`))
    expect(other.codeHash).toBe(one.codeHash)
    expect(other.study.settings['here']).not.toBe(one.study.settings['here'])
  })

  test('has other code once a file that it imports has', async () => {
    const source = `import { answer } from './answer.ts'\n${definition('settings: { answer },')}`
    const hashes = ['export const answer = 42', 'export const answer = 43'].map(async (answer) => (await load(studyFile(source, { 'answer.ts': answer }))).codeHash) // prettier-ignore
    const [one, other] = await Promise.all(hashes)
    expect(other).not.toBe(one)
  })
})

describe('a mistake in a study file is told with its place:', () => {
  const shown = (file: string) => relative(process.cwd(), file)

  test.each<[string, string, string, RegExp]>([
    ['a syntax error', 'const a = 1\nconst b = = 2', 'study/invalid', /study\.ts:2: Unexpected "="/],
    ['an import of nothing', "import './gone.ts'", 'study/invalid', /study\.ts:1: Could not resolve ".\/gone.ts"/],
    [
      'a package that is not installed',
      "import 'no-such-package'",
      'study/invalid',
      /study\.ts:1: Could not resolve "no-such-package"/,
    ],
    ['no default export', 'export const study = 1', 'study/invalid', /study\.ts: it has no default export/],
    ['an error of its own', 'export {}\n\nthrow new Error("not today")', 'study/invalid', /study\.ts:3: not today/],
    [
      'a wrong range',
      definition('settings: {},').replace('0.001, 1', '0, 1'),
      'space/invalid',
      /study\.ts:\d+: loguniform\(0, 1\)/,
    ],
    ['another default export', 'export default 7', 'study/invalid', /study\.ts: its default export is 7, no study/],
    ['a bad name', definition("name: '../up',"), 'study/invalid', /name '..\/up' may only have letters/],
    ['a name of ours', definition("name: 'cache',"), 'study/invalid', /'cache'/],
    ['no name', definition("name: '',"), 'study/invalid', /name is ''/],
    ['an empty goal', definition("goal: maximize(''),"), 'study/invalid', /names no metric/],
    [
      'a goal that is a standard error',
      definition("goal: maximize('pq_se'),"),
      'study/invalid',
      /'pq_se' is the standard error of another metric: write maximize\('pq'\)/,
    ],
    ['no budget', definition('budget: undefined,'), 'study/invalid', /budget is missing/],
    ['no trials', definition('budget: { trials: 0 },'), 'study/invalid', /budget\.trials is 0/],
    ['half a step', definition('budget: { trials: 1, steps: 0.5 },'), 'study/invalid', /budget\.steps is 0\.5/],
    ['no time', definition('budget: { trials: 1, trialSeconds: 0 },'), 'study/invalid', /budget\.trialSeconds is 0/],
    ['no such time', definition('budget: { trials: 1, trialSeconds: 30 * 86400 },'), 'study/invalid', /budget\.trialSeconds is 2592000, more than 2147483/], // prettier-ignore
    ['a pruner that cannot know the last report', definition('pruner: asha(),'), 'study/invalid', /a pruner needs budget\.steps/], // prettier-ignore
    ['a field named as what every object has', definition('toString: () => 1,'), 'study/invalid', /no 'toString'/],
    ['a number as a parameter', definition('space: { lr: 0.1 },'), 'study/invalid', /space: 'lr' is 0\.1/],
    [
      'a setting that is a list',
      definition('settings: { sizes: [1] },'),
      'study/invalid',
      /settings: 'sizes' is \[ 1 \]/,
    ],
    ['a seed of text', definition("seed: 'x',"), 'study/invalid', /seed is 'x'/],
    [
      'a first point outside',
      definition('first: [{ lr: 2 }],'),
      'params/invalid',
      /study\.ts: first\[0\]: .*lr.*2 is not a number/,
    ],
    ['a sampler of text', definition("sampler: 'tpe',"), 'study/invalid', /sampler is 'tpe'/],
    ['an unknown executor', definition("executor: 'cloud',"), 'study/invalid', /executor is 'cloud'/],
    ['a field of another name', definition('prunner: asha(),'), 'study/invalid', /no 'prunner'/],
  ])('%s', async (_, source, code, message) => {
    const file = studyFile(source)
    const error: unknown = await load(file).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ name: 'TuneError', code, message: expect.stringMatching(message) })
    expect((error as Error).message).toContain(shown(file))
  })

  test('a file that is not there', async () => {
    await expect(load('studies/nowhere.ts')).rejects.toMatchObject({
      code: 'study/invalid',
      message: expect.stringContaining('studies/nowhere.ts'),
    })
  })

  // In a process of its own: vitest rewrites what it imports, and positions with it.
  test.skipIf(!existsSync(built))('an error in a file that it imports, and a wrong range of many lines', () => {
    const script = `
      const { loadStudy } = await import(${JSON.stringify(built.href)})
      const message = (file) => loadStudy(file, process.argv.at(-1)).catch((error) => console.log(error.message))
      for (const file of process.argv.slice(1, -1)) await message(file)
    `
    const imports = studyFile("import { f } from './lib.ts'\nexport default f()", {
      'lib.ts': '\nexport const f = () => {\n  throw new TypeError("deep")\n}',
    })
    const ranges = studyFile(definition('settings: {},').replaceAll(', ', ',\n').replace('0.001', '0'))
    const args = ['--input-type=module', '-e', script, imports, ranges, temporaryDir()]
    const output = execFileSync(process.execPath, args, { encoding: 'utf8' })
    expect(output).toMatch(/lib\.ts:3: deep\n.*study\.ts:12: loguniform\(0, 1\)/)
  })
})

test('every study of the tests loads', async () => {
  const file = fileURLToPath(new URL('../fixtures/studies/behaviours.ts', import.meta.url))
  expect((await load(file)).study.name).toBe('behaviours')
})

describe('results that come from elsewhere', () => {
  test('bring no code of their own in the place of a bundle', async () => {
    const file = studyFile(definition('settings: { from: "the file" },'))
    const [mine, theirs] = [temporaryDir(), temporaryDir()]
    const name = basename((await loadStudy(file, mine)).url)
    mkdirSync(join(theirs, '.cache/studies'), { recursive: true })
    const planted = join(theirs, '.cache/studies', name)
    writeFileSync(planted, definition('settings: { from: "elsewhere" },'))
    expect((await loadStudy(file, theirs)).study.settings).toEqual({ from: 'the file' })
    expect(readFileSync(planted, 'utf8')).toBe(readFileSync(join(mine, '.cache/studies', name), 'utf8'))
  })

  test('name no bundle but those that were kept, as they were', async () => {
    const results = temporaryDir()
    const { url } = await loadStudy(studyFile(definition('')), results)
    const name = basename(url)
    expect(keptBundle(results, name)).toBe(url)
    writeFileSync(join(results, 'evil.mjs'), 'export default 1')
    for (const odd of ['../../evil.mjs', join(results, 'evil.mjs'), 'evil.mjs', `${'0'.repeat(64)}.mjs`]) {
      expect(keptBundle(results, odd)).toBeUndefined()
    }
    writeFileSync(join(results, '.cache/studies', name), 'export default 1')
    expect(keptBundle(results, name)).toBeUndefined()
  })
})
