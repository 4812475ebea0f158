import { expect, test } from 'vitest'
import { createRoom } from '../../src/trials/room.ts'
import type { Device } from '../../src/trial.ts'

const gpu = (uuid: string): Device => ({ kind: 'cuda', index: 0, threads: 1, uuid })
const [a, b] = [gpu('GPU-a'), gpu('GPU-b')]
const slots = [a, b, a, b, a, b].map((device, index) => ({ index, device }))

test('every slot may take a trial where nothing has to be learned', () => {
  const room = createRoom(slots)
  expect(slots.map((slot) => room.mayTake(slot))).toEqual(Array(6).fill(true))
})

test('until a device is measured its first slot alone takes trials, and the others are told once it is', async () => {
  const room = createRoom(slots, { isLearned: true })
  expect(slots.map((slot) => room.mayTake(slot))).toEqual([true, true, ...Array(4).fill(expect.any(Promise))])
  const waiting = [2, 4].map((index) => room.mayTake(slots[index]!))
  room.limit(a, 2)
  for (const told of waiting) await told
  expect(slots.map((slot) => room.mayTake(slot))).toEqual([true, true, true, expect.any(Promise), false, expect.any(Promise)]) // prettier-ignore
})

test('a device has room for at least one trial, and for no more than it has slots', () => {
  const room = createRoom(slots, { isLearned: true })
  room.limit(a, 0)
  room.limit(b, 99)
  expect(slots.map((slot) => room.mayTake(slot))).toEqual([true, true, false, true, false, true])
})

test('room shrinks to one trial and no further', () => {
  const room = createRoom(slots)
  expect([room.shrink(a), room.shrink(a), room.shrink(a)]).toEqual([true, true, false])
  expect(slots.map((slot) => room.mayTake(slot))).toEqual([true, true, false, true, false, true])
})

test('nobody waits for ever: when the slot that was to be measured takes no more trials, the others take none', async () => {
  const room = createRoom(slots, { isLearned: true })
  const waiting = room.mayTake(slots[2]!)
  room.leave(slots[4]!)
  expect(room.mayTake(slots[2]!)).toBe(waiting)
  room.leave(slots[0]!)
  await waiting
  expect(room.mayTake(slots[2]!)).toBe(false)
})
