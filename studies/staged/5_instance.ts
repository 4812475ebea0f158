import { semanticBranch, stage } from './stage.ts'

/** The instance branch again, on the same scenes. */
export default stage({ name: 'stage_5', after: 'stage_4', freeze: semanticBranch, lr: 2e-4, goal: 'pq', scenes: 64 })
