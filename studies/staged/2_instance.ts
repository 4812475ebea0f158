import { semanticBranch, stage } from './stage.ts'

/** The instance branch, beside a semantic branch that stays as it is. */
export default stage({ name: 'stage_2', after: 'stage_1', freeze: semanticBranch, lr: 3e-3, goal: 'pq' })
