import { describe } from 'vitest'
import { openMemoryStore } from '../../src/store/memory.ts'
import { testStore } from '../contracts/store.ts'

describe('the store in memory', () => {
  testStore(() => {
    const store = openMemoryStore()
    return { open: (clock) => (clock ? openMemoryStore({ clock }) : store) }
  })
})
