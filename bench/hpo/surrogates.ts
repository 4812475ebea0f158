import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { int, logint, loguniform, uniform, type Param, type Params } from '../../src/space.ts'
import type { HpoTask } from './task.ts'

interface Meta {
  readonly cat: readonly string[]
  readonly cont: readonly string[]
  readonly instance: string
  readonly fidelity: readonly { readonly name: string; readonly upper: number }[]
  readonly metrics: readonly { readonly name: string; readonly minimize: boolean }[]
  readonly primary: string
  readonly recommended_limits?: Readonly<Record<string, readonly [number, number] | string>>
}

interface SpaceFile {
  readonly hyperparameters: readonly {
    readonly name: string
    readonly type: 'categorical' | 'uniform_float' | 'uniform_int'
    readonly log?: boolean
    readonly lower: number
    readonly upper: number
  }[]
}

interface Reference {
  readonly instance: string
  readonly direction: 'minimize' | 'maximize'
  readonly reference_best: number
}

/** The tasks of one scenario of YAHPO Gym for which a best value is known: neural surrogates of what was measured. */
export async function readSurrogates(dir: string, scenario: string): Promise<readonly HpoTask[]> {
  const at = join(dir, 'yahpo', scenario)
  if (!existsSync(at)) return []
  const json = (file: string): unknown => JSON.parse(readFileSync(file, 'utf8'))
  const meta = json(join(at, 'meta.json')) as Meta
  const encoding = json(join(at, 'encoding.json')) as Readonly<Record<string, Readonly<Record<string, number>>>>
  const { hyperparameters } = json(join(at, 'config_space.json')) as SpaceFile
  const options = { intraOpNumThreads: 1, interOpNumThreads: 1 }
  const session = await InferenceSession.create(join(at, 'model.onnx'), options)
  const column = meta.metrics.findIndex(({ name }) => name === meta.primary)
  const sign = meta.metrics[column]!.minimize ? 1 : -1
  const fixed = new Set([meta.instance, ...meta.fidelity.map(({ name }) => name)])
  const space = Object.fromEntries(
    hyperparameters.filter(({ name }) => !fixed.has(name)).map((one) => [one.name, paramOf(one, meta)]),
  )

  const predict = async (params: Params): Promise<number> => {
    const codes = meta.cat.map((name) => encoding[name]![(params[name] ?? '#na#') as string]!)
    const values = meta.cont.map((name) => Number(params[name] ?? 0))
    const output = await session.run({
      x_cat: new Tensor('int32', Int32Array.from(codes), [1, codes.length]),
      x_cont: new Tensor('float32', Float32Array.from(values), [1, values.length]),
    })
    return sign * Number(output[session.outputNames[0]!]!.data[column])
  }
  const full = Object.fromEntries(meta.fidelity.map(({ name, upper }) => [name, upper]))
  const known = json(join(dir, `${scenario}_reference.json`)) as readonly Reference[]
  return known.map(({ instance, reference_best }) => ({
    name: `${scenario} ${instance}`,
    space,
    lowest: sign * reference_best,
    evaluate: async (params) => {
      const loss = await predict({ ...params, ...full, [meta.instance]: instance })
      return { loss, truth: loss }
    },
  }))
}

/** Within what the surrogate was fitted on. */
function paramOf({ name, type, log, lower, upper }: SpaceFile['hyperparameters'][number], meta: Meta): Param<number> {
  const limits = meta.recommended_limits?.[name]
  const [low, high] = typeof limits === 'object' ? limits : [lower, upper]
  if (type === 'uniform_int') return log ? logint(low, high) : int(low, high)
  return log ? loguniform(low, high) : uniform(low, high)
}
