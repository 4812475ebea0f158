import { stage } from './stage.ts'

/** The backbone and the semantic branch alone. */
export default stage({ name: 'stage_1', weights: { semantic: 1 }, lr: 3e-3, goal: 'pq_stuff' })
