import { expect, test } from 'vitest'
import { printable } from '../src/printable.ts'

test.each([
  ['\u001B[2Jgone', '\\u001b[2Jgone'],
  ['\u001B]0;title\u0007', '\\u001b]0;title\\u0007'],
  ['\u001B[8mhidden', '\\u001b[8mhidden'],
  ['trial 1 failed\rtrial 1 is fine', 'trial 1 failed\\u000dtrial 1 is fine'],
  ['\u009B2J', '\\u009b2J'],
  ['evil\u202Etxt.exe', 'evil\\u202etxt.exe'],
  ['a\0b\u007F', 'a\\u0000b\\u007f'],
])('%j is spelled out on a terminal', (text, shown) => {
  expect(printable(text)).toBe(shown)
})

test('colours of ours, lines, columns and letters of any language stay as they are', () => {
  const text = '\u001B[31m✗\u001B[39m \u001B[1mtrial\u001B[22m\t七 é 🙂\r\nnext\n'
  expect(printable(text)).toBe(text)
})

test('JSON says the same as before', () => {
  const value = { 'a\u009B\u202E\u001B\u007F': 'b\r\n' }
  expect(JSON.parse(printable(JSON.stringify(value)))).toEqual(value)
})
