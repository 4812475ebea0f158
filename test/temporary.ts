import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, onTestFinished } from 'vitest'

/** An empty directory that anyone may read, and that goes when the test ends. */
export function temporaryDir(): string {
  const dir = emptyDir()
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

/** The same for all tests of a file, to be called before them; it goes after the last. */
export function sharedTemporaryDir(): string {
  const dir = emptyDir()
  afterAll(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

function emptyDir(): string {
  const dir = mkdtempSync(join(tmpdir(), 'panoptune-test-'))
  chmodSync(dir, 0o755)
  return dir
}
