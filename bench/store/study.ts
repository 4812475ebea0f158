import { loguniform, spaceSpec, uniform } from '../../src/space.ts'
import type { Start, StudyRecord } from '../../src/store/store.ts'

export const record: StudyRecord = {
  name: 'load',
  goals: [{ direction: 'maximize', metric: 'pq' }],
  constraints: [],
  space: spaceSpec({ lr: loguniform(1e-5, 0.1), weight: uniform(0, 1) }),
  settings: {},
  seed: 0,
  steps: null,
  codeHash: '',
}

export const start: Start = {
  params: { lr: 0.01, weight: 0.5 },
  seed: 1,
  device: { kind: 'cpu', index: 0, threads: 1 },
  reason: 'a bench',
}
