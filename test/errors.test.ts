import { describe, expect, test } from 'vitest'
import { isTuneError, messageOf, nearest, TuneError } from '../src/errors.ts'

describe('a TuneError', () => {
  test('carries its code, hint and cause', () => {
    const cause = new Error('EACCES')
    const error = new TuneError('results/unwritable', 'cannot write', { hint: 'move it', cause })
    expect(error).toMatchObject({
      name: 'TuneError',
      code: 'results/unwritable',
      message: 'cannot write',
      hint: 'move it',
    })
    expect(error.cause).toBe(cause)
    expect(new TuneError('usage', 'x').hint).toBeUndefined()
  })

  test('is known for one when it comes from another copy of the module', () => {
    const foreign = Object.assign(new Error('from elsewhere'), { name: 'TuneError', code: 'usage' })
    expect(isTuneError(foreign)).toBe(true)
    expect(isTuneError(new Error('no'))).toBe(false)
    expect(isTuneError('TuneError')).toBe(false)
  })
})

test('anything that is thrown has a message', () => {
  expect([messageOf(new Error('a')), messageOf('b'), messageOf(undefined)]).toEqual(['a', 'b', 'undefined'])
})

describe('the nearest word', () => {
  test('is the one that was meant', () => {
    expect(nearest('sttaus', ['status', 'list', 'show'])).toBe('status')
    expect(nearest('Steps', ['step', 'steps'])).toBe('steps')
    expect(nearest('evalImages', ['trainImages', 'evalImage'])).toBe('evalImage')
  })

  test('is none where nothing is near', () => {
    expect(nearest('banana', ['status', 'list'])).toBeUndefined()
    expect(nearest('x', [])).toBeUndefined()
  })
})
