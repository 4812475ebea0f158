import { expect, test } from 'vitest'
import { keepIdle } from '../../../src/models/engines/idle.ts'

test('what is idle goes to one taker alone, and too many are disposed of, the oldest first', async () => {
  const gone: string[] = []
  const idle = keepIdle<string>(2, async (item) => void gone.push(item))
  await idle.put('a', 'first')
  await idle.put('a', 'second')
  expect(idle.take('b')).toBeUndefined()
  expect(idle.take('a')).toBe('first')
  await idle.put('b', 'third')
  expect(gone).toEqual([])
  await idle.put('b', 'fourth')
  expect(gone).toEqual(['second'])
  expect([idle.take('b'), idle.take('b'), idle.take('b')]).toEqual(['third', 'fourth', undefined])
})
