import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canonicalJson, fingerprint, parsePythonJson, parsePythonNumbers, type Json } from '../src/json.ts'

// -0 is the one number that JSON does not keep.
const json = fc.jsonValue({ noUnicodeString: false }).map((value) => JSON.parse(JSON.stringify(value)) as Json)

describe('canonical JSON', () => {
  test('reads back as the value', () => {
    const readsBack = fc.property(json, (value) => {
      expect(JSON.parse(canonicalJson(value))).toEqual(value)
    })
    fc.assert(readsBack)
  })

  test('does not depend on the order of keys', () => {
    expect(canonicalJson({ b: [1, { d: null, c: 'x' }], a: true })).toBe('{"a":true,"b":[1,{"c":"x","d":null}]}')
    expect(canonicalJson({ a: true, b: [1, { c: 'x', d: null }] })).toBe('{"a":true,"b":[1,{"c":"x","d":null}]}')
  })
})

describe('a fingerprint', () => {
  test('is the sha256 of bytes, and of the canonical JSON of a value', () => {
    const abc = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'
    expect(fingerprint(new TextEncoder().encode('abc'))).toBe(abc)
    expect(fingerprint({ b: 1, a: 2 })).toBe(fingerprint(new TextEncoder().encode('{"a":2,"b":1}')))
  })
})

describe("Python's JSON", () => {
  test('has bare NaN and infinities, which are read as null', () => {
    expect(parsePythonJson('{"a": NaN, "b": [Infinity, -Infinity, 1.5]}')).toEqual({ a: null, b: [null, null, 1.5] })
  })

  test('may begin with a byte order mark', () => {
    expect(parsePythonJson('\uFEFF{"a": NaN}')).toEqual({ a: null })
    expect(() => parsePythonJson('\uFEFF')).toThrow(SyntaxError)
  })

  test('keeps the same words inside strings', () => {
    expect(parsePythonJson(String.raw`{"NaN": "-Infinity", "b": "a \"NaN\" b\\", "c": NaN}`)).toEqual({
      NaN: '-Infinity',
      b: String.raw`a "NaN" b${'\\'}`,
      c: null,
    })
  })

  test('is JSON where it has none of them', () => {
    const readsBack = fc.property(json, (value) => {
      expect(parsePythonJson(JSON.stringify(value))).toEqual(value)
    })
    fc.assert(readsBack)
  })
})

test('infinities stay numbers where they are asked for, NaN has no word in JSON', () => {
  const text = '{"a": Infinity, "b": -Infinity, "c": NaN, "d": "-Infinity", "e": [NaN, 1e3]}'
  expect(parsePythonNumbers(text)).toEqual({ a: Infinity, b: -Infinity, c: null, d: '-Infinity', e: [null, 1000] })
})

test('hostile text is refused in linear time', () => {
  const start = process.cpuUsage().user
  expect(() => parsePythonNumbers(`{"a": NaN, "b": "${'\\"'.repeat(500_000)}`)).toThrow(SyntaxError)
  expect(process.cpuUsage().user - start).toBeLessThan(2e6)
})
