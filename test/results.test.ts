import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { emptyDir, ensureDir, trialDir, writeAtomically } from '../src/results.ts'
import { temporaryDir } from './temporary.ts'

const unwritable = (path: string) => expect.objectContaining({ code: 'results/unwritable', message: expect.stringContaining(path), hint: expect.any(String) }) // prettier-ignore

test("a trial's directory is named by its number, four digits wide", () => {
  expect(trialDir('results', 'weights', 42)).toBe(join('results', 'weights', 'trials', '0042'))
  expect(trialDir('results', 'weights', 12_345)).toBe(join('results', 'weights', 'trials', '12345'))
})

test('no trial has a directory elsewhere, whatever a database says its number is', () => {
  const numbers: readonly unknown[] = ['../../home', -1, 1.5, null, Infinity]
  for (const number of numbers) {
    expect(() => trialDir('results', 'weights', number as number)).toThrow('is no number of a trial')
  }
})

describe('a file written atomically', () => {
  test('replaces the earlier one, leaves nothing beside it, and makes its directory', () => {
    const dir = join(temporaryDir(), 'deep', 'er')
    const file = join(dir, 'best.yaml')
    writeAtomically(file, 'one')
    writeAtomically(file, 'two')
    expect(readFileSync(file, 'utf8')).toBe('two')
    expect(readdirSync(dir)).toEqual(['best.yaml'])
  })

  test('that cannot take its place leaves nothing behind', () => {
    const dir = temporaryDir()
    const file = join(dir, 'best.yaml')
    mkdirSync(join(file, 'inner'), { recursive: true })
    expect(() => writeAtomically(file, 'one')).toThrow('EISDIR')
    expect(readdirSync(dir)).toEqual(['best.yaml'])
  })
})

describe('a directory', () => {
  test('is emptied with all that it holds', () => {
    const dir = join(temporaryDir(), '0001')
    mkdirSync(join(dir, 'checkpoints'), { recursive: true })
    writeFileSync(join(dir, 'checkpoints', 'last'), '')
    expect(readdirSync(emptyDir(dir))).toEqual([])
  })

  test('that cannot be made is named, with what to do', () => {
    const file = join(temporaryDir(), 'results')
    writeFileSync(file, '')
    expect(() => ensureDir(file)).toThrow(unwritable(file))
    expect(() => ensureDir(join(file, 'weights'))).toThrow(unwritable(file))
    expect(() => writeAtomically(join(file, 'best.yaml'), '')).toThrow(unwritable(file))
    expect(existsSync(join(file, 'weights'))).toBe(false)
  })

  test.skipIf(!existsSync('/proc/self'))('is refused at once under /proc, where none can be made', () => {
    for (const dir of ['/proc/x', '/proc/self/x/y']) expect(() => ensureDir(dir)).toThrow(unwritable(dir))
  })
})
