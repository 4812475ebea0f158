import { sizeOf, type Program } from '../graph/graph.ts'

export type Values = Float32Array | Int32Array
export type Inputs = Readonly<Record<string, Values>>
export type Results = Readonly<Record<string, unknown>>

/** A program, ready to run on a device. */
export interface Session {
  /** Feeds all inputs by name and gives all outputs. Runs on this thread; others get their turn before it starts. */
  run(inputs: Inputs): Promise<Results>
  /** Once is enough; again does nothing, for somebody else may have it by then. */
  close(): Promise<void>
}

/** What to feed a program with, in the order of its inputs; more may be given. */
export function feedsOf({ inputs }: Pick<Program, 'inputs'>, given: Inputs): readonly Values[] {
  return inputs.map(({ name, shape }) => {
    const values = given[name]
    if (!values) throw new TypeError(`'${name}' is not fed`)
    if (values.length !== sizeOf(shape)) {
      throw new TypeError(`'${name}' has ${values.length} values, not [${shape.join(', ')}]`)
    }
    return values
  })
}

/** An output of float32 values. */
export function floats(results: Results, name: string): Float32Array {
  const values = results[name]
  if (values instanceof Float32Array) return values
  throw new TypeError(`'${name}' is no output of float32 values`)
}

/** An output of int32 values. */
export function integers(results: Results, name: string): Int32Array {
  const values = results[name]
  if (values instanceof Int32Array) return values
  throw new TypeError(`'${name}' is no output of int32 values`)
}
