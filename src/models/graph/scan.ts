import { emitAll, input, newGraph, output, type Program, type Tensor } from './graph.ts'

/** What ties the steps of a scan together. */
export interface ScanOptions {
  /** Inputs whose values a step hands to the next, each with the name of the output that it becomes. */
  readonly carried: Readonly<Record<string, string>>
  /** Inputs that are the same in every step. */
  readonly shared: readonly string[]
}

/**
 * Several steps of a program as one, which leaves the state on the device in between. What is carried comes in as
 * before the first step, and out, under the outputs' names, as after the last. All other inputs are fed for all steps
 * at once, steps x their shape, and so all other outputs come out.
 */
export function scanOf(step: Program, steps: number, { carried, shared }: ScanOptions): Program {
  const isOf = (names: readonly string[]) => (tensor: { readonly name: string }) => names.includes(tensor.name)
  const state = named(step.inputs, Object.keys(carried))
  const newState = named(step.outputs, Object.values(carried))
  const fed = step.inputs.filter((tensor) => !isOf([...Object.keys(carried), ...shared])(tensor))
  const read = step.outputs.filter((tensor) => !isOf(Object.values(carried))(tensor))

  const graph = newGraph()
  graph.layer = 'scan'
  const stacked = (tensor: Tensor) => ({ type: tensor.type, shape: [steps, ...tensor.shape] })
  for (const { name, type, shape } of named(step.inputs, shared)) input(graph, name, type, shape)
  const results = emitAll(
    'Scan',
    [
      ...state.map(({ name, type, shape }) => input(graph, name, type, shape)),
      ...fed.map((tensor) => input(graph, tensor.name, tensor.type, stacked(tensor).shape)),
    ],
    [...newState.map(({ tensor }) => tensor), ...read.map(({ tensor }) => stacked(tensor))],
    { body: bodyOf(step, [...state, ...fed], [...newState, ...read]), num_scan_inputs: fed.length },
  )
  for (const [i, { name }] of [...newState, ...read].entries()) output(name, results[i]!)
  return graph
}

/** One step under names of its own: within the body of a scan no name may be one of those around it. */
function bodyOf({ nodes, constants }: Program, inputs: readonly Tensor[], outputs: Program['outputs']): Program {
  const own = new Map(inputs.map(({ name }) => [name, `step/${name}`]))
  const renamed = (name: string) => own.get(name) ?? name
  return {
    nodes: nodes.map((node) => ({ ...node, inputs: node.inputs.map(renamed) })),
    constants,
    inputs: inputs.map((tensor) => ({ ...tensor, name: renamed(tensor.name) })),
    outputs: outputs.map(({ tensor }) => ({ name: tensor.name, tensor })),
  }
}

function named<T extends { readonly name: string }>(all: readonly T[], names: readonly string[]): readonly T[] {
  return names.map((name) => {
    const found = all.find((candidate) => candidate.name === name)
    if (!found) throw new TypeError(`a step has no '${name}'`)
    return found
  })
}
