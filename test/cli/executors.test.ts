import { expect, test } from 'vitest'
import { usualExecutor } from '../../src/cli/executors.ts'
import type { Device } from '../../src/trial.ts'

test.each<[Device['kind'], string]>([
  ['cpu', 'threads'],
  ['cuda', 'threads'],
  ['webgpu', 'processes'],
  ['tfjs', 'processes'],
])('trials on %s run in %s where nobody says otherwise', (kind, executor) => {
  expect(usualExecutor([{ index: 0, device: { kind, index: 0, threads: 1 } }])).toBe(executor)
})
