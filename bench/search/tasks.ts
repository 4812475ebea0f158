import { conditionalToy } from '../../test/search/conditional_toy.ts'
import { ackley10, branin, hartmann6, rastrigin5, rosenbrock5, type TestFunction } from '../../test/search/functions.ts'

/** A function by the name that Optuna's results have for it, and the deviation of the noise that is added to it. */
export interface Task {
  readonly fn: TestFunction
  readonly noise: number
}

export const TASKS: Readonly<Record<string, Task>> = {
  branin: { fn: branin, noise: 0 },
  hartmann6: { fn: hartmann6, noise: 0 },
  rosenbrock5: { fn: rosenbrock5, noise: 0 },
  ackley10: { fn: ackley10, noise: 0 },
  rastrigin5: { fn: rastrigin5, noise: 0 },
  condtoy: { fn: conditionalToy, noise: 0 },
  noisy_hartmann6: { fn: hartmann6, noise: 0.2 },
}
