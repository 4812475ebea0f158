import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))

/** Which rooms each room may import from, besides itself. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  contracts: ['vocabulary'],
  vocabulary: ['contracts'], // types only: a study holds a sampler and a pruner
  search: ['vocabulary', 'contracts'],
  store: ['vocabulary', 'contracts'],
  data: ['vocabulary'],
  eval: ['vocabulary', 'data'],
  models: ['vocabulary', 'data', 'eval'],
  command: ['vocabulary', 'data', 'eval', 'models'],
  trials: ['vocabulary', 'contracts'],
  ask: ['vocabulary', 'contracts', 'search', 'store', 'trials'],
  index: ['vocabulary', 'contracts', 'ask', 'search', 'data', 'eval', 'models', 'command'],
  cli: ['vocabulary', 'contracts', 'ask', 'search', 'store', 'data', 'eval', 'models', 'trials'],
}

/** The one file that each package is imported by, types included. */
const PACKAGES: Readonly<Record<string, string>> = {
  'better-sqlite3': 'src/store/connect.ts',
  piscina: 'src/trials/threads.ts',
  'onnxruntime-node': 'src/models/engines/ort.ts',
  '@tensorflow/tfjs-core': 'src/models/engines/tensorflow.ts', // its types alone
  sharp: 'src/data/photos.ts',
  esbuild: 'src/trials/load.ts',
  yaml: 'src/cli/export.ts',
}

/** Those are loaded by whoever imports their file: the others wait until they are used. */
const EAGER = ['better-sqlite3', 'piscina', 'yaml', 'commander']

interface Import {
  readonly file: string
  readonly what: string
  /** Whether it is there when the file is: neither a type nor an `import()`. */
  readonly isEager: boolean
}

const imports = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .flatMap((name) => importsOf(join('src', name)))

function importsOf(file: string): readonly Import[] {
  const text = readFileSync(join(root, file), 'utf8')
  const statements = text.matchAll(/^(?:import|export)(?<type> type)?(?:\s[^'()=]*\sfrom)? '(?<what>[^']+)'$/gm)
  const calls = text.matchAll(/\bimport\('(?<what>[^']+)'\)/g)
  return [
    ...[...statements].map(({ groups }) => ({ file, what: groups?.['what'] ?? '', isEager: !groups?.['type'] })),
    ...[...calls].map(({ groups }) => ({ file, what: groups?.['what'] ?? '', isEager: false })),
  ]
}

function roomOf(file: string): string {
  if (/^src\/(search\/(sampler|pruner)|store\/store)\.ts$/.test(file)) return 'contracts'
  if (/^src\/(index|cli)\.ts$/.test(file)) return file.slice(4, -3)
  return /^src\/(\w+)\//.exec(file)?.[1] ?? 'vocabulary'
}

describe('the house of house-and-style.md:', () => {
  test('files are found, with what they import', () => {
    expect(imports).toContainEqual({ file: 'src/study.ts', what: './search/pruner.ts', isEager: false })
    expect(imports).toContainEqual({ file: 'src/trials/load.ts', what: 'esbuild', isEager: false })
    expect(imports).toContainEqual({ file: 'src/store/connect.ts', what: 'better-sqlite3', isEager: true })
    expect(imports.length).toBeGreaterThan(300)
  })

  test('imports point down, towards the vocabulary', () => {
    const wrong = imports.filter(({ file, what, isEager }) => {
      if (!what.startsWith('.')) return false
      const [from, to] = [roomOf(file), roomOf(relative(root, resolve(root, file, '..', what)))]
      if (from === 'vocabulary' && to === 'contracts') return isEager
      return from !== to && !MAY_IMPORT[from]?.includes(to)
    })
    expect(wrong).toEqual([])
  })

  test('a package is imported by one file alone, and commander by the command line', () => {
    const wrong = imports.filter(({ file, what }) => {
      if (what.startsWith('.') || what.startsWith('node:')) return false
      return what === 'commander' ? roomOf(file) !== 'cli' : PACKAGES[what] !== file
    })
    expect(wrong).toEqual([])
  })

  test('a package that is slow to load waits until it is used', () => {
    const early = imports.filter(({ what, isEager }) => isEager && what in PACKAGES && !EAGER.includes(what))
    expect(early).toEqual([])
  })
})

describe('what could be turned against its user is in no source:', () => {
  const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => ({ file: join('src', name), text: readFileSync(join(root, 'src', name), 'utf8') }))
  const filesWith = (pattern: RegExp) => sources.filter(({ text }) => pattern.test(text)).map(({ file }) => file)

  test('a shell reads no text of a user: only scripts of ours are run by one', () => {
    expect(filesWith(/\bshell: |\bexec(?:Sync)?\b[^\n]*from 'node:child_process'|child_process'\)/)).toEqual([])
    expect(filesWith(/'\/bin\//).toSorted()).toEqual(['src/cli/end_at_once.ts', 'src/command/script.ts'])
    const [, script] =
      /^const SCRIPT = `([^`]*)`$/m.exec(readFileSync(join(root, 'src/command/script.ts'), 'utf8')) ?? []
    expect(script).toMatch(/^exec "\$@"$/m)
    expect(script).not.toContain('${')
  })

  test('no port is opened, and nothing is fetched', () => {
    expect(filesWith(/'node:(?:net|http|https|http2|dgram|tls|inspector)'|\bfetch\(|\bWebSocket\b/)).toEqual([])
  })

  test('no text becomes code', () => {
    expect(filesWith(/\beval\(|new Function\(|'node:vm'|loadExtension/)).toEqual([])
  })
})

describe('in a process of its own', () => {
  test.each(['dist/index.js', 'dist/eval/index.js'])('importing %s loads no package', (entry) => {
    expect(packagesLoadedBy(entry)).toEqual([])
  })

  test('the command line starts without the packages that only a run needs', () => {
    const loaded = packagesLoadedBy('dist/cli/main.js')
    expect(loaded).toContain('better-sqlite3')
    for (const name of ['onnxruntime-node', 'sharp', 'esbuild']) expect(loaded).not.toContain(name)
  })
})

/** Packages in the cache of CommonJS modules, which all of ours are at heart, after a module is imported. */
function packagesLoadedBy(module: string): readonly string[] {
  const script = `
    await import(${JSON.stringify(join(root, module))})
    const { createRequire } = await import('node:module')
    console.log(JSON.stringify(Object.keys(createRequire('/').cache)))
  `
  const files = execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })
  const names = (JSON.parse(files) as string[]).map((file) => /.*[\\/]node_modules[\\/](@[^\\/]+[\\/][^\\/]+|[^\\/]+)/.exec(file)?.[1]) // prettier-ignore
  return [...new Set(names.filter((name) => name !== undefined))]
}
