import type { Device } from '../../trial.ts'
import { sizeOf, type Program, type Tensor } from '../graph/graph.ts'
import { scanOf } from '../graph/scan.ts'
import { openSession } from './open.ts'
import type { Inputs, Results, Values } from './session.ts'

export interface StepOptions {
  /** Inputs whose values a step hands to the next, each with the name of the output that it becomes. */
  readonly carried: Readonly<Record<string, string>>
  /** Values of the inputs that are the same in every step. */
  readonly shared: Inputs
  /**
   * Steps that one run takes, and that the state stays on the device for. Default 1. More are worth it where the state
   * would cross a bus: on the CPU a run costs 0.3 ms.
   */
  readonly stepsPerRun?: number
}

/** A program that is run again and again on what it made of its own state. */
export interface Steps {
  readonly stepsPerRun: number
  /** Takes as many steps as `inputs` has, which is `stepsPerRun`; gives the state after the last, to be fed next. */
  run(state: Inputs, inputs: readonly Inputs[]): Promise<{ readonly state: Inputs; readonly results: readonly Results[] }> // prettier-ignore
  close(): Promise<void>
}

/** Makes a step ready to run on a device. Several in one run give bitwise what one after another gives. */
export async function openSteps(step: Program, device: Device, options: StepOptions): Promise<Steps> {
  const { carried, shared, stepsPerRun = 1 } = options
  const isStacked = stepsPerRun > 1
  const program = isStacked ? scanOf(step, stepsPerRun, { carried, shared: Object.keys(shared) }) : step
  const fed = step.inputs.filter(({ name }) => !(name in carried) && !(name in shared))
  const read = step.outputs.filter(({ name }) => !Object.values(carried).includes(name))
  const session = await openSession(program, device)
  return {
    stepsPerRun,
    async run(state, inputs) {
      if (inputs.length !== stepsPerRun) throw new TypeError(`${inputs.length} steps for a run of ${stepsPerRun}`)
      const results = await session.run({ ...shared, ...state, ...(isStacked ? stack(fed, inputs) : inputs[0]) })
      return {
        state: Object.fromEntries(Object.entries(carried).map(([name, output]) => [name, results[output] as Values])),
        results: inputs.map((_, step) =>
          Object.fromEntries(read.map(({ name, tensor }) => [name, part(results[name] as Values, tensor, step)])),
        ),
      }
    },
    close: () => session.close(),
  }
}

/** What is fed in each step, one step after another. */
function stack(fed: readonly Tensor[], inputs: readonly Inputs[]): Inputs {
  const stacked = fed.map(({ name, type, shape }) => {
    const size = sizeOf(shape)
    const all = type === 'int32' ? new Int32Array(inputs.length * size) : new Float32Array(inputs.length * size)
    for (const [step, values] of inputs.entries()) all.set(checked(values[name], name, size), step * size)
    return [name, all] as const
  })
  return Object.fromEntries(stacked)
}

function checked(values: Values | undefined, name: string, size: number): Values {
  if (values?.length === size) return values
  throw new TypeError(`'${name}' has ${values?.length ?? 'no'} values in a step, not ${size}`)
}

function part(values: Values, { shape }: Tensor, step: number): Values {
  const size = sizeOf(shape)
  return values.subarray(step * size, (step + 1) * size)
}
