import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
const run = promisify(execFile)

/** Runs a shell command where the README's reader would: a directory with the studies, and the built `tune`. */
const shell = (command: string) => run('sh', ['-c', command.replaceAll('npx tune', `'${process.execPath}' '${join(root, 'dist/cli.js')}'`)], { cwd: dir }) // prettier-ignore

let dir = ''
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'panoptune-readme-'))
  for (const name of ['studies', 'node_modules']) symlinkSync(join(root, name), join(dir, name))
  return () => rmSync(dir, { recursive: true })
})

/** Fenced blocks of a language. */
function blocksOf(file: string, language: string): readonly string[] {
  const text = readFileSync(join(root, file), 'utf8')
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))].map(([, block = '']) => block)
}

/** Every command of a file's `sh` blocks, without its comment. */
function commandsOf(file: string): readonly string[] {
  const lines = blocksOf(file, 'sh').flatMap((block) => block.split('\n'))
  return lines.map((line) => line.replace(/\s*#.*$/, '')).filter((line) => line !== '')
}

const files = ['README.md', ...readdirSync(join(root, 'docs')).map((name) => join('docs', name))]
const commands = files.flatMap(commandsOf)

/** Budgets with which a command that trains is done in seconds. */
const SMALL: Readonly<Record<string, string>> = {
  'npx tune --study studies/loss_weights.ts': '--trials 3 --steps 2',
  'npx tune --study studies/loss_weights.ts --trials 32': '--trials 4 --steps 2',
  'npx tune recheck': '--seeds 1',
}

describe('every command of the README and the docs works, in their order:', () => {
  test('there are commands, and the small budgets are for some of them', () => {
    expect(commands.length).toBeGreaterThan(10)
    expect(commands.map(installed)).toEqual(expect.arrayContaining(Object.keys(SMALL)))
  })

  test.each(commands)('%s', async (command) => {
    const rest = installed(command)
    if (rest === 'npm test') return expectTestScript()
    expect(rest).toMatch(/^npx tune\b/)
    const { stdout, stderr } = await shell(`${rest} ${SMALL[rest] ?? ''}`)
    expect(stdout).not.toBe('')
    expect(stderr).not.toMatch(/error/i)
  })

  test('the main job has left a best configuration where the README says', () => {
    expect(existsSync(join(dir, 'results/loss_weights/best.yaml'))).toBe(true)
  })
})

/** A command without the install, which these tests have behind them. */
function installed(command: string): string {
  return command.replace(/^npm ci && /, '')
}

/** The tests cannot run themselves again. */
function expectTestScript(): void {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>
  }
  expect(scripts['test']).toMatch(/vitest run/)
}

describe('the examples of docs/models.md', () => {
  const examples = blocksOf('docs/models.md', 'ts')
  const given = `
    import { dialect, domainNormalisation, trainedNetwork, trainModel } from 'panoptune'
    import type { ImageSet, ModelOptions, PrepareContext, TrialContext } from 'panoptune'
    declare const trial: TrialContext
    declare const [set, val]: readonly [ImageSet, ImageSet]
    declare const { cacheDir, progress }: PrepareContext
  `
  const compile = (bodies: readonly string[]) => {
    const functions = bodies.map((body, i) => `export async function* example${i}(file: string) {{ ${body} }}`)
    return compileTypes('models_examples.ts', given + functions.join('\n'))
  }

  test('have types that fit, and a misspelt option has none', async () => {
    expect(examples.length).toBeGreaterThan(5)
    await expect(compile(examples.map((body) => body.replace('hardPixels', 'hardPixel')))).rejects.toMatchObject({
      stdout: expect.stringMatching(/models_examples\.ts.*hardPixel/),
    })
    await compile(examples)
  })
})

/** Writes a module as a user would, and checks its types against the built package. */
function compileTypes(file: string, source: string) {
  const types = { panoptune: [join(root, 'dist/index.d.ts')] }
  // An example need not use what it declares.
  const lenient = { noUnusedLocals: false, noUnusedParameters: false }
  const config = {
    extends: join(root, 'tsconfig.json'),
    compilerOptions: { ...lenient, paths: types },
    include: [file],
  }
  writeFileSync(join(dir, file), source)
  writeFileSync(join(dir, 'package.json'), '{ "type": "module" }')
  writeFileSync(join(dir, 'tsconfig.json'), JSON.stringify(config))
  return shell(`node_modules/.bin/tsc -p tsconfig.json`)
}

describe('the study of the README', () => {
  const [source = ''] = blocksOf('README.md', 'ts')

  const compile = (study: string) => compileTypes('my_study.ts', study)

  test('has types that fit, and a goal that it does not yield is none', async () => {
    await expect(compile(source.replace("maximize('pq')", "maximize('accuracy')"))).rejects.toMatchObject({
      stdout: expect.stringMatching(/my_study\.ts.*"accuracy"/),
    })
    await compile(source)
  })

  test('runs', async () => {
    expect((await shell('npx tune --study my_study.ts --dry-run')).stdout).toMatch(/^my_study: maximize pq$/m)
    expect((await shell('npx tune --study my_study.ts --trials 1 --steps 1')).stdout).toMatch(/1 complete/)
  })
})
