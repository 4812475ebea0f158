import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/** Mounts a file system, for the rest of the test. */
export function mount(dir: string, ...words: readonly string[]): void {
  execFileSync('/bin/mount', [...words, dir])
  onTestFinished(() => void execFileSync('/bin/umount', ['-l', dir]))
}

export function remount(dir: string, options: string): void {
  execFileSync('/bin/mount', ['-o', `remount,${options}`, dir])
}

/** Whether this process may mount anything: root on Linux may, unless it is confined. */
export function canMount(): boolean {
  const dir = mkdtempSync(join(tmpdir(), 'panoptune-mount-'))
  try {
    execFileSync('/bin/mount', ['-t', 'tmpfs', '-o', 'size=1m', 'none', dir], { stdio: 'ignore' })
    execFileSync('/bin/umount', [dir], { stdio: 'ignore' })
    return true
  } catch {
    return false
  } finally {
    rmSync(dir, { recursive: true })
  }
}
