import { describe } from 'vitest'
import { inlineExecutor } from '../../src/trials/inline.ts'
import { slots, testExecutor } from '../contracts/executor.ts'

describe('the inline executor', () => {
  testExecutor((options) => inlineExecutor(slots, options))
})
