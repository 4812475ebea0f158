import { rmSync, statSync } from 'node:fs'
import { readSetFile, setFileId } from '../data/set_file.ts'
import { readShared } from '../data/shared_file.ts'
import { filesBelow } from '../files_below.ts'
import { sealedKey } from './eval_set_header.ts'
import { viewEvalSet } from './eval_set_layout.ts'

/** A file of a cache directory that can be made again. */
export interface CacheFile {
  readonly path: string
  /** Ground truth as runs; photographs and labels; or what a writer that was stopped, or is still at work, left. */
  readonly kind: 'evalset' | 'imageset' | 'partial'
  readonly bytes: number
  /** Milliseconds since 1970. */
  readonly modified: number
}

/** The cached sets in a directory and below it, by path; none where there is no directory. */
export function cacheFiles(dir: string): readonly CacheFile[] {
  return filesBelow(dir)
    .toSorted()
    .flatMap((path): readonly CacheFile[] => {
      const [, kind, partial] = /\.(evalset|imageset)(\.[0-9a-f-]{36})?$/.exec(path) ?? []
      const found = statSync(path, { throwIfNoEntry: false })
      if ((kind !== 'evalset' && kind !== 'imageset') || !found?.isFile()) return []
      return [{ path, kind: partial ? 'partial' : kind, bytes: found.size, modified: found.mtimeMs }]
    })
}

/** How many images a file holds, once all of it is read and agrees with its checksums; undefined where it does not. */
export function verifiedImages({ path, kind }: CacheFile): number | undefined {
  if (kind === 'imageset') {
    const id = setFileId(path)
    return id === undefined ? undefined : readSetFile(path, id)?.set.scenes.length
  }
  const memory = kind === 'evalset' ? readShared(path) : undefined
  return memory && sealedKey(memory) !== undefined ? viewEvalSet(memory).images.length : undefined
}

/** A partial file that is older than this is nobody's any more. */
const ABANDONED_MS = 3_600_000

/** Whether a file may go: any set, for it can be made again, and partial files that nobody is writing. */
export function isRemovable({ kind, modified }: CacheFile, now: number): boolean {
  return kind !== 'partial' || now - modified > ABANDONED_MS
}

export function removeCacheFile({ path }: CacheFile): void {
  rmSync(path, { force: true })
}
