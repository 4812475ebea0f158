import type { BuildFailure, Plugin } from 'esbuild'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { builtinModules, SourceMap } from 'node:module'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { isTuneError, messageOf, TuneError } from '../errors.ts'
import { fingerprint } from '../json.ts'
import { bundleDir, writeAtomically } from '../results.ts'
import type { Study } from '../study.ts'
import { parseStudy } from './parse_study.ts'

/** A study file, read. */
export interface LoadedStudy {
  readonly study: Study
  /** URL of its bundle: what a worker imports. */
  readonly url: string
  /** Of the study file and the local files that it imports, wherever they lie; comments and spacing do not count. */
  readonly codeHash: string
}

/**
 * Bundles a study file with its local imports into one module under the results, named by its content, and imports it.
 * Packages stay outside, found from the study file; `panoptune` is this very copy.
 */
export async function loadStudy(path: string, results: string): Promise<LoadedStudy> {
  const file = resolve(path)
  const shown = shorten(file)
  if (!statSync(file, { throwIfNoEntry: false })?.isFile()) {
    throw new TuneError('study/invalid', `${shown || '.'}: there is no such study file`, {
      hint: 'check the path given by --study',
    })
  }
  const bundle = await bundleStudy(file, shown)
  const bundled = resolve(bundleDir(results), `${fingerprint(bundle.code)}.mjs`)
  if (!holds(bundled, bundle.code)) writeAtomically(bundled, bundle.code)
  const { href: url } = pathToFileURL(bundled)
  return { study: parseStudy(await importStudy(url, shown, bundle), shown), url, codeHash: bundle.codeHash }
}

/** Whether a file is what it is named after: results may come from elsewhere, and what stands there is run. */
function holds(file: string, code: string): boolean {
  return existsSync(file) && readFileSync(file, 'utf8') === code
}

/** The bundle of this name that an earlier run has kept; undefined where there is none, or it was altered. */
export function keptBundle(results: string, name: string): string | undefined {
  const [, hash] = /^([0-9a-f]{64})\.mjs$/.exec(name) ?? []
  const file = resolve(bundleDir(results), name)
  if (hash === undefined || !existsSync(file)) return undefined
  return fingerprint(readFileSync(file, 'utf8')) === hash ? pathToFileURL(file).href : undefined
}

/** A study from a kept bundle; `shown` is its file's name in messages. */
export async function loadBundle(url: string, shown: string): Promise<Pick<LoadedStudy, 'study' | 'url'>> {
  const module = (await import(/* @vite-ignore */ url)) as { readonly default?: unknown }
  return { study: parseStudy(module.default, shown), url }
}

interface Bundle {
  readonly dir: string
  readonly code: string
  /** From places in the code to places in files under `dir`. */
  readonly map: SourceMap
  readonly codeHash: string
}

async function bundleStudy(file: string, shown: string): Promise<Bundle> {
  const { build } = await import('esbuild')
  const self = pathToFileURL(file).href
  const outside = new Map([[self, 'study:']])
  const [quotedFile, quotedDir] = [JSON.stringify(file), JSON.stringify(dirname(file))]
  try {
    const { outputFiles } = await build({
      entryPoints: [file],
      outfile: join(dirname(file), `${basename(file)}.mjs`),
      bundle: true,
      write: false,
      format: 'esm',
      platform: 'node',
      target: 'node20',
      conditions: [],
      sourcemap: 'external',
      minifyWhitespace: true,
      legalComments: 'none',
      logLevel: 'silent',
      define: {
        'import.meta.url': JSON.stringify(self),
        'import.meta.filename': quotedFile,
        'import.meta.dirname': quotedDir,
      },
      plugins: [packagesOutside(outside)],
    })
    const text = (ending: string) => outputFiles.find(({ path }) => path.endsWith(ending))?.text ?? ''
    const code = text('.mjs')
    // The same code in another directory, or beside another copy of a package, is the same code.
    const places = [...outside, [quotedFile, '"file"'], [quotedDir, '"dir"']] as const
    const placeless = places.reduce((rest, [place, name]) => rest.replaceAll(place, name), code)
    return { dir: dirname(file), code, map: new SourceMap(JSON.parse(text('.map'))), codeHash: fingerprint(placeless) }
  } catch (error) {
    throw bundleError(error, shown) ?? error
  }
}

/** Leaves packages out of the bundle, as URLs that any thread can import; `found` learns which name each URL stands for. */
function packagesOutside(found: Map<string, string>): Plugin {
  const external = (name: string, url: string) => {
    found.set(url, name)
    return { path: url, external: true }
  }
  return {
    name: 'packages-outside',
    setup: (build) => {
      build.onResolve({ filter: /^[^./]/ }, async ({ path, resolveDir, kind, pluginData }) => {
        if (kind === 'entry-point' || pluginData === 'asked' || isBuiltin(path)) return undefined
        const own = OWN[path]
        if (own) return external(path, own.href)
        const { path: file, errors } = await build.resolve(path, { resolveDir, kind, pluginData: 'asked' })
        // A name that is mapped to a local file, by tsconfig's paths, is a local import.
        return errors.length > 0 || !/[\\/]node_modules[\\/]/.test(file)
          ? undefined
          : external(path, pathToFileURL(file).href)
      })
    },
  }
}

function isBuiltin(name: string): boolean {
  return name.startsWith('node:') || builtinModules.includes(name)
}

/** This package's own entries. Workers are plain JavaScript: from the sources, as the tests do, the built ones are taken. */
const built = new URL(import.meta.url.endsWith('.ts') ? '../../dist/' : '../', import.meta.url)
const OWN: Readonly<Record<string, URL>> = {
  panoptune: new URL('index.js', built),
  'panoptune/eval': new URL('eval/index.js', built),
}

/** A mistake in the file that esbuild found: its first, at its place. */
function bundleError(error: unknown, shown: string): TuneError | undefined {
  const first = (error as Partial<BuildFailure>).errors?.[0]
  if (!first) return undefined
  const place = first.location ? `${first.location.file}:${first.location.line}` : shown
  return new TuneError('study/invalid', `${place}: ${first.text}`, { cause: error })
}

async function importStudy(url: string, shown: string, bundle: Bundle): Promise<unknown> {
  try {
    const module = (await import(/* @vite-ignore */ url)) as { readonly default?: unknown }
    return module.default
  } catch (error) {
    const message = `${placeOf(error, url, bundle) ?? shown}: ${messageOf(error)}`
    if (!isTuneError(error)) throw new TuneError('study/invalid', message, { cause: error })
    throw new TuneError(error.code, message, { cause: error, ...(error.hint !== undefined && { hint: error.hint }) })
  }
}

/** Where in the study's own files an error was thrown, `file:line`: the innermost of its frames in the bundle. */
function placeOf(error: unknown, url: string, { dir, map }: Bundle): string | undefined {
  const stack = error instanceof Error ? (error.stack ?? '') : ''
  const [, after] = stack.split(`${url}:`)
  const [, line, column] = after?.match(/^(\d+):(\d+)/) ?? []
  const origin = map.findEntry(Number(line) - 1, Number(column) - 1)
  return 'originalSource' in origin
    ? `${shorten(join(dir, origin.originalSource))}:${origin.originalLine + 1}`
    : undefined
}

function shorten(file: string): string {
  return relative(process.cwd(), file)
}
