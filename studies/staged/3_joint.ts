import { stage } from './stage.ts'

/** Both branches together: here loss weights are worth a search. */
export default stage({ name: 'stage_3', after: 'stage_2', lr: 1e-3, goal: 'pq' })
