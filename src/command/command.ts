import type { EvalSet } from '../eval/eval_set.ts'
import { TuneError } from '../errors.ts'
import type { Params } from '../space.ts'
import type { Objective, TrialContext } from '../study.ts'
import type { Metrics } from '../trial.ts'
import { runCommand } from './run_command.ts'

export interface CommandOptions<X, D> {
  /**
   * The ground truth, to score predictions that the program writes: a report `{"predictions": "val.json"}` names a path in
   * its trial's directory, and gets `pq`, `sq`, `rq`, `pq_things`, `pq_stuff` and `pq_se`. Default: nothing is scored.
   */
  readonly truth?: (trial: TrialContext<X, D>) => EvalSet
}

/**
 * An objective that runs a program, in any language, one process a trial. `argv` gives the program and its arguments as
 * they are: no shell reads them.
 *
 *     objective: command(({ lr }, trial) => ['python3', 'train.py', '--lr', lr, '--out', trial.dir])
 *
 * - Each line of its stdout that is a JSON object with a metric of the goal is a report; its other numbers are metrics, too.
 *   All else that it prints goes to the trial's log.
 * - The params are also in `params.json` and `params.yaml` in the trial's directory, and in its environment as
 *   `PANOPTUNE_PARAM_LR`; beside them PANOPTUNE_TRIAL, PANOPTUNE_SEED, PANOPTUNE_DIR (the trial's directory),
 *   PANOPTUNE_DEVICE (`cpu` or `cuda:0`; it sees no other GPU), PANOPTUNE_STEPS (reports that are wanted),
 *   PANOPTUNE_REPORTED (those not to be made again, see `trial.reported`) and PANOPTUNE_FROM (see `trial.from`).
 * - To stop it, it and all that it started get SIGTERM, and SIGKILL 8 seconds later. The same happens where the process
 *   of tune dies. After the last report that is wanted it may end by itself for 2 seconds.
 * - An exit code other than 0, or a signal, fails the trial, with the last line of its stderr for a reason.
 */
export function command<P, X, D>(
  argv: (params: P, trial: TrialContext<X, D>) => readonly (string | number)[],
  { truth }: CommandOptions<X, D> = {},
): Objective<P, Metrics, X, D> {
  const objective = (params: P, trial: TrialContext<X, D>) => {
    const words = parseArgv(argv(params, trial))
    return runCommand({ argv: words, params: params as Params, trial, ...(truth && { truth: truth(trial) }) })
  }
  return Object.assign(objective, { executor: 'inline' } as const)
}

function parseArgv(argv: readonly unknown[]): readonly [string, ...string[]] {
  const wrong = argv.find((word) => typeof word !== 'string' && typeof word !== 'number')
  const [program, ...args] = argv.map(String)
  if (program !== undefined && program !== '' && wrong === undefined) return [program, ...args]
  const what = wrong === undefined ? 'no program' : `${JSON.stringify(wrong)}, neither text nor a number`
  throw new TuneError('study/invalid', `command: its words have ${what}`, {
    hint: "give a program and its arguments: command(({ lr }) => ['python3', 'train.py', '--lr', lr])",
  })
}
