import type { Params, Space } from '../../src/space.ts'

/** Something to tune: lower is better. */
export interface HpoTask {
  readonly name: string
  readonly space: Space
  /** The lowest truth that is known. */
  readonly lowest: number
  /** What an evaluation gives, and what it is without noise. */
  evaluate(params: Params, seed: number): Promise<{ readonly loss: number; readonly truth: number }>
}
