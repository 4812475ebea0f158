import { instanceBranch, stage } from './stage.ts'

/** The semantic branch again, on the scenes that were looked through by hand. */
export default stage({ name: 'stage_4', after: 'stage_3', freeze: instanceBranch, lr: 2e-4, goal: 'pq', scenes: 64 })
