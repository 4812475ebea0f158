import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'
import { EXIT_OF } from '../../src/cli/exit_codes.ts'
import type { ErrorCode } from '../../src/errors.ts'
import { temporaryDir } from '../temporary.ts'

/** The built command line. */
export const cli = fileURLToPath(new URL('../../dist/cli.js', import.meta.url))

/** How one command ended, and what it printed. */
export interface Ran {
  /** Null where a signal ended it. */
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export type Environment = Readonly<Record<string, string>>

/** A directory of its own with some files in it, and the command line in there. */
export interface Workspace {
  readonly dir: string
  tune(...words: readonly string[]): Promise<Ran>
  write(file: string, content: string): void
}

export function workspace(files: Readonly<Record<string, string>> = { 'tiny.ts': tinyStudy() }): Workspace {
  const dir = temporaryDir()
  const write = (file: string, content: string) => {
    mkdirSync(join(dir, dirname(file)), { recursive: true })
    writeFileSync(join(dir, file), content)
  }
  for (const [file, content] of Object.entries(files)) write(file, content)
  return { dir, write, tune: (...words) => tune(dir, words) }
}

/** Runs one command in a directory, to its end. */
export async function tune(dir: string, words: readonly string[], env: Environment = {}): Promise<Ran> {
  return ended(startTune(dir, words, env))
}

/** Starts a command. It sees a pipe, a UTF-8 locale, and nothing of the terminal that the tests run in. */
export function startTune(dir: string, words: readonly string[], env: Environment = {}): ChildProcess {
  const { PATH = '' } = process.env
  return spawn(process.execPath, [cli, ...words], {
    cwd: dir,
    env: { PATH, LANG: 'C.UTF-8', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

export async function ended(child: ChildProcess): Promise<Ran> {
  const printed = [child.stdout, child.stderr].map((stream) => (stream ? text(stream) : ''))
  const [[code], stdout = '', stderr = ''] = await Promise.all([once(child, 'close'), ...printed])
  return { code: code as number | null, stdout, stderr }
}

/**
 * A study without training: better with more steps, and best near lr 0.1. It runs in the main thread, which is quicker
 * than to start workers. `fields` come last, so that they replace what they name.
 */
export function tinyStudy(fields = ''): string {
  return `
import { asha, choice, defineStudy, loguniform, maximize, minimize, oneOf, uniform } from 'panoptune'
import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
export default defineStudy({
  name: 'tiny',
  goal: maximize('pq'),
  settings: { gain: 1, label: 'plain', loud: false },
  space: { lr: loguniform(1e-4, 1, { default: 0.01 }), schedule: choice('poly', 'step') },
  budget: { trials: 4, steps: 3 },
  executor: 'inline',
  async *objective({ lr }, { maxSteps, settings }) {
    for (let step = 1; step <= maxSteps; step++) {
      yield { pq: settings.gain * step - Math.abs(Math.log10(lr) + 1), seconds: step / 2 }
    }
  },
  ${fields}
})
`
}

/** The objects of JSON lines; fails where a line is none. */
export function jsonLines(stdout: string): readonly Readonly<Record<string, unknown>>[] {
  expect(stdout).toMatch(/\n$/)
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>)
}

/** What a command said that went wrong. */
export function mistakeOf({ code: exit, stdout, stderr }: Ran) {
  const [, code, message, , hint] = /^error\[(.+?)\] {2}(.*)(\n {2}hint: (.*))?\n$/m.exec(stderr) ?? []
  return { exit, code, message, hint, hasStack: /^\s+at /m.test(stdout + stderr), isAll: stdout === '' }
}

/** The exit code of a mistake and one message: its code, what is wrong, what to do; no stack, nothing else on stdout. */
export function mistake(code: string, message: RegExp, hint?: RegExp) {
  const said: unknown = expect.stringMatching(message)
  const advice: unknown = hint ? expect.stringMatching(hint) : undefined
  return { exit: EXIT_OF[code as ErrorCode], code, message: said, hint: advice, hasStack: false, isAll: true }
}
