import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { messageOf, TuneError } from './errors.ts'

/**
 * Where things lie in a results directory:
 *
 *     studies.sqlite            every study's trials
 *     loss-weights/best.yaml    what a study found
 *     loss-weights/lock         held by the process that runs it
 *     loss-weights/workers/     locks that its worker processes hold
 *     loss-weights/trials/0042  what trial 42 wrote, its log.txt among it, and checkpoint/ while it may go on
 *     .../trials/0042.running   a pipe that is held open while the program of a "command" trial may run
 *     cache/                    what can be made again: data sets and what studies derive from them
 *     .cache/studies/           study files as they are run: bundled, and named by their content
 */
export function studiesFile(results: string): string {
  return join(results, 'studies.sqlite')
}

/** Throws for a name that leads elsewhere: a database that is not of ours may hold any. */
export function studyDir(results: string, study: string): string {
  if (isStudyName(study)) return join(results, study)
  throw new TuneError('store/invalid', `'${study}' is no name of a study: it may only have letters, digits, '_', '-' and '.', and no '.' or '-' in front`) // prettier-ignore
}

/** A study's name is a directory's. */
export function isStudyName(name: string): boolean {
  return /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/.test(name)
}

export function bestFile(results: string, study: string): string {
  return join(studyDir(results, study), 'best.yaml')
}

export function lockFile(results: string, study: string): string {
  return join(studyDir(results, study), 'lock')
}

/** Where the worker processes of a study hold their locks, a slot each. */
export function workersDir(results: string, study: string): string {
  return join(studyDir(results, study), 'workers')
}

/** Throws for what is no number of a trial: a database may hold `../../home` there. */
export function trialDir(results: string, study: string, number: number): string {
  if (!Number.isSafeInteger(number) || number < 0) throw new TuneError('store/invalid', `'${number}' is no number of a trial`) // prettier-ignore
  return join(studyDir(results, study), 'trials', String(number).padStart(4, '0'))
}

/** What a trial printed, and the stack of what it threw. */
export function logFile(trialDir: string): string {
  return join(trialDir, 'log.txt')
}

/** The network that a trial left. */
export function checkpointFile(trialDir: string): string {
  return join(trialDir, 'model.safetensors')
}

/** What a trial goes on from after a pause or an interruption: its objective's own files. */
export function checkpointDir(trialDir: string): string {
  return join(trialDir, 'checkpoint')
}

export function cacheDir(results: string): string {
  return join(results, 'cache')
}

export function bundleDir(results: string): string {
  return join(results, '.cache', 'studies')
}

/** The directory, made with its parents where it is missing. */
export function ensureDir(path: string): string {
  return writing(path, () => {
    makeDirs(path)
    return path
  })
}

/** The same; where it cannot be made, the system's own error. One by one: `mkdirSync` with `recursive` never ends under /proc. */
export function makeDirs(dir: string): void {
  if (isDirectory(dir)) return
  makeDirs(dirname(dir))
  try {
    mkdirSync(dir)
  } catch (error) {
    if (!isDirectory(dir)) throw error // else somebody else was quicker
  }
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
}

/** The directory, made anew and empty. */
export function emptyDir(path: string): string {
  if (isNew(path)) return path
  removeDir(path)
  return ensureDir(path)
}

/** Makes a directory where neither it nor a parent is in the way: the quickest, and the usual. */
function isNew(path: string): boolean {
  try {
    mkdirSync(path)
    return true
  } catch {
    return false
  }
}

/** Whether a directory holds nothing, or is not there. */
export function isEmpty(path: string): boolean {
  return !existsSync(path) || readdirSync(path).length === 0
}

/** Removes a directory with all that it holds, where there is one. */
export function removeDir(path: string): void {
  writing(path, () => rmSync(path, { recursive: true, force: true }))
}

/** Writes a file by rename, so that a reader sees the old content or the new one, never half of it. */
export function writeAtomically(path: string, content: string | Uint8Array): void {
  ensureDir(dirname(path))
  const draft = `${path}.${process.pid}.tmp`
  writing(path, () => {
    try {
      const file = openSync(draft, 'w')
      try {
        writeFileSync(file, content)
        fsyncSync(file)
      } finally {
        closeSync(file)
      }
      renameSync(draft, path)
    } finally {
      rmSync(draft, { force: true })
    }
  })
}

/** Does some writing at a path; a full, read-only or forbidden place is `results/unwritable`. */
function writing<T>(path: string, write: () => T): T {
  try {
    return write()
  } catch (error) {
    throw unwritable(path, error) ?? error
  }
}

const HINTS: Readonly<Record<string, string>> = {
  ENOSPC: 'free some space on that disk; the trials stored so far are kept, and the same command continues',
  EDQUOT: 'your quota on that disk is used up; the trials stored so far are kept, and the same command continues',
  EROFS: 'that file system is read-only; choose another place by --results DIR',
  EACCES: 'you may not write there; choose another place by --results DIR',
  EPERM: 'you may not write there; choose another place by --results DIR',
  ENOENT: 'nothing can be made there; choose another place by --results DIR',
  ENOTDIR: 'a part of that path is a file; choose another place by --results DIR',
  EEXIST: 'a file stands where a directory should be; choose another place by --results DIR',
}

function unwritable(path: string, error: unknown): TuneError | undefined {
  const hint = error instanceof Error && 'code' in error ? HINTS[String(error.code)] : undefined
  return hint ? new TuneError('results/unwritable', `${path} cannot be written: ${messageOf(error)}`, { hint, cause: error }) : undefined // prettier-ignore
}
