import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
const text = readFileSync(join(root, 'docs/studies.md'), 'utf8')
const run = promisify(execFile)

/** What stands in fenced blocks of a language. */
function blocksOf(language: string): readonly string[] {
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))].map(([, block = '']) => block)
}

/** A study file around the fields that an example shows. */
function studyOf(fields: string, i: number): string {
  const names = ['int', 'logint', 'lognormal', 'loguniform', 'normal', 'oneOf', 'uniform', 'weightedSum']
  const used = names.filter((name) => new RegExp(`\\b${name}\\(`).test(fields))
  const budget = fields.includes('budget:') ? '' : 'budget: { trials: 6 },'
  return `import { defineStudy, maximize, ${used.join(', ')} } from 'panoptune'
export default defineStudy({ name: 'example_${i}', goal: maximize('pq'), ${budget}
${fields}})
`
}

describe('the examples of docs/studies.md', () => {
  const examples = blocksOf('ts').map(studyOf)
  let dir = ''
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'panoptune-docs-'))
    symlinkSync(join(root, 'node_modules'), join(dir, 'node_modules'))
    writeFileSync(join(dir, 'package.json'), '{ "type": "module" }')
    for (const [i, source] of examples.entries()) writeFileSync(join(dir, `example_${i}.ts`), source)
    return () => rmSync(dir, { recursive: true })
  })

  test('have types that fit', async () => {
    expect(examples.length).toBeGreaterThan(3)
    const compilerOptions = { paths: { panoptune: [join(root, 'dist/index.d.ts')] } }
    const config = { extends: join(root, 'tsconfig.json'), compilerOptions, include: ['example_*.ts'] }
    writeFileSync(join(dir, 'tsconfig.json'), JSON.stringify(config))
    const compiled = await run(join(dir, 'node_modules/.bin/tsc'), ['-p', 'tsconfig.json'], { cwd: dir }).catch(
      (error: unknown) => error,
    )
    expect(compiled).toEqual({ stdout: '', stderr: '' })
  })

  test.each(examples.map((_, i) => i))('run, number %i', async (i) => {
    const words = ['--study', `example_${i}.ts`, '--trials', '6', '--executor', 'inline', '--seed', '1']
    const { stdout } = await run(process.execPath, [join(root, 'dist/cli.js'), ...words], { cwd: dir })
    expect(stdout).toMatch(/6 complete|reached the\s+target/)
  })

  test('of a loop of your own runs, and its study is listed', async () => {
    const [loop = ''] = blocksOf('js')
    const own = loop.replace("'panoptune'", JSON.stringify(join(root, 'dist/index.js')))
    writeFileSync(join(dir, 'loop.js'), own)
    expect((await run(process.execPath, ['loop.js'], { cwd: dir })).stdout).toMatch(/lr: 0\.0/)
    expect((await run(process.execPath, [join(root, 'dist/cli.js'), 'list'], { cwd: dir })).stdout).toMatch(
      /(✓.*\n){8}/,
    )
  })
})
