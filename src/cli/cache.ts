import { basename, relative } from 'node:path'
import { Command } from 'commander'
import { TuneError } from '../errors.ts'
import { cacheFiles, isRemovable, removeCacheFile, verifiedImages, type CacheFile } from '../eval/cache_files.ts'
import { cacheDir } from '../results.ts'
import { systemClock } from '../clock.ts'
import { size, table } from './format.ts'
import { jsonOption, resultsOption } from './options.ts'

interface Options {
  readonly results: string
  readonly cacheDir?: string
  readonly damaged?: true
  readonly json?: true
}

/** `tune cache`: the decoded data sets and ground truths that are kept between runs. `print` takes what goes to stdout. */
export function cacheCommand(print: (text: string) => void): Command {
  const verb = (name: string, description: string) =>
    new Command(name)
      .description(description)
      .addOption(resultsOption())
      .option('--cache-dir <dir>', "where they are kept (default: 'cache' in the results)")
      .addOption(jsonOption())
  return new Command('cache')
    .description('look at, check and remove decoded data sets; all of them are made again when needed')
    .addCommand(verb('ls', 'list them').action((options: Options) => print(list(options))))
    .addCommand(
      verb('verify', 'read each and check it by its checksums').action((options: Options) => print(verify(options))),
    ) // prettier-ignore
    .addCommand(
      verb('clean', 'remove them')
        .option('--damaged', 'only those that `verify` finds damaged')
        .action((options: Options) => print(clean(options))),
    )
}

function list(options: Options): string {
  const files = filesOf(options)
  if (options.json) return jsonOf(files.map(({ path, kind, bytes }) => ({ path, kind, bytes })))
  if (files.length === 0) return `${dirOf(options)}: no data set is kept here\n`
  const total = files.reduce((sum, { bytes }) => sum + bytes, 0)
  const rows = files.map((file) => [nameOf(file, options), KINDS[file.kind], size(file.bytes)])
  return `${table(['file', 'kind', 'size'], [...rows, ['all', '', size(total)]])}\n`
}

function verify(options: Options): string {
  const files = filesOf(options).filter(({ kind }) => kind !== 'partial')
  const checked = files.map((file) => ({ file, images: verifiedImages(file) }))
  const damaged = checked.filter(({ images }) => images === undefined)
  if (damaged.length > 0) {
    const names = damaged.map(({ file }) => file.path).join(', ')
    throw new TuneError('data/invalid', `${damaged.length} of ${files.length} cached data sets are damaged: ${names}`, {
      hint: 'none of them is ever used; remove them with: tune cache clean --damaged',
    })
  }
  if (options.json) return jsonOf(checked.map(({ file: { path, kind, bytes }, images = 0 }) => ({ path, kind, bytes, images }))) // prettier-ignore
  if (files.length === 0) return `${dirOf(options)}: no data set is kept here\n`
  const rows = checked.map(({ file, images }) => [nameOf(file, options), KINDS[file.kind], String(images), 'good'])
  return `${table(['file', 'kind', 'images', ''], rows)}\n`
}

function clean(options: Options): string {
  const now = systemClock.now()
  const removable = filesOf(options).filter((file) => isRemovable(file, now))
  const files = options.damaged ? removable.filter((file) => verifiedImages(file) === undefined) : removable
  for (const file of files) removeCacheFile(file)
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0)
  if (options.json) return jsonOf({ removed: files.map(({ path }) => path), bytes })
  return `${dirOf(options)}: removed ${files.length} ${files.length === 1 ? 'file' : 'files'}, ${size(bytes)}\n`
}

const KINDS = { evalset: 'ground truth', imageset: 'photographs', partial: 'unfinished' } as const

function filesOf(options: Options): readonly CacheFile[] {
  return cacheFiles(dirOf(options))
}

function dirOf({ cacheDir: dir, results }: Options): string {
  return dir ?? cacheDir(results)
}

/** Short enough to be read: names are hashes. */
function nameOf({ path }: CacheFile, options: Options): string {
  const [, hash = '', rest = ''] = /^([0-9a-f]{8})[0-9a-f]*(\..*)$/.exec(basename(path)) ?? []
  return hash ? `${hash}...${rest.replace(/(\.[0-9a-f]{4})[0-9a-f-]{32}$/, '$1...')}` : relative(dirOf(options), path)
}

function jsonOf(value: object): string {
  return `${JSON.stringify(value, undefined, 2)}\n`
}
