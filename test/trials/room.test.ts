import { expect, test } from 'vitest'
import { createRoom, type Room } from '../../src/trials/room.ts'
import type { Device } from '../../src/trial.ts'

const gpu = (uuid: string): Device => ({ kind: 'cuda', index: 0, threads: 1, uuid })
const [a, b] = [gpu('GPU-a'), gpu('GPU-b')]
const slots = [a, b, a, b, a, b].map((device, index) => ({ index, device }))

/** Of each slot in turn, whether it may take a trial. */
function answers(room: Room): readonly (boolean | 'wait')[] {
  return slots.map((slot) => {
    const answer = room.mayTake(slot)
    return answer instanceof Promise ? 'wait' : answer
  })
}

test('every slot may take a trial where nothing has to be learned', () => {
  expect(answers(createRoom(slots))).toEqual(Array(6).fill(true))
})

test('until a device is measured its first slot alone takes trials, and the others are told once it is', async () => {
  const room = createRoom(slots, { isLearned: true })
  expect(answers(room)).toEqual([true, true, 'wait', 'wait', 'wait', 'wait'])
  const waiting = room.mayTake(slots[2]!)
  room.limit(a, 2)
  await waiting
  expect(answers(room)).toEqual([true, true, true, 'wait', false, 'wait'])
})

test('a device takes one trial at least', () => {
  const room = createRoom(slots, { isLearned: true })
  room.limit(a, 0)
  expect(answers(room).filter((_, index) => slots[index]!.device === a)).toEqual([true, false, false])
})

test('nobody waits for ever: the next slot is measured where the first takes no more trials', async () => {
  const room = createRoom(slots, { isLearned: true })
  const waiting = room.mayTake(slots[2]!)
  room.leave(slots[0]!)
  await waiting
  expect([slots[2]!, slots[4]!].map((slot) => room.mayTake(slot))).toEqual([true, expect.any(Promise)])
})

test('a slot that takes no more trials leaves its room to the others', () => {
  const room = createRoom(slots)
  room.limit(a, 2)
  room.leave(slots[2]!)
  expect([slots[0]!, slots[4]!].map((slot) => room.mayTake(slot))).toEqual([true, true])
})
