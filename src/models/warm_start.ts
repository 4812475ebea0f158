import { nearest, TuneError } from '../errors.ts'
import { readWeights, type Network } from './checkpoint.ts'
import { sameShape, sizeOf } from './graph/graph.ts'

/** Where a training starts in place of random weights. */
export interface WarmStart {
  /** A .safetensors file: a checkpoint of ours, or weights under the same names from elsewhere. */
  readonly file: string
  /** Parts of the network that start anew all the same, such as `['semantic']` for other classes. Default: none. */
  readonly ignore?: readonly string[]
  /** Least share of the remaining weights that has to be found in the file, 0 to 1. Default 1. */
  readonly atLeast?: number
}

/** What became of a warm start, by names. */
export interface LoadReport {
  readonly matched: readonly string[]
  /** Of the network, not in the file. */
  readonly missing: readonly string[]
  /** In both, but of another shape: left as they were. */
  readonly misshapen: readonly string[]
  /** In the file, not of the network. */
  readonly unexpected: readonly string[]
  /** Left anew because it was asked for. */
  readonly ignored: readonly string[]
  /** The matched part of the weights that were to be loaded, 0 to 1. */
  readonly share: number
}

/**
 * Writes what a file has of a network's weights over `weights` and `buffers`. Throws `checkpoint/invalid` where less than
 * the asked share was found, and for a part to ignore that the network lacks.
 */
export function warmStart(
  network: Network,
  weights: Float32Array,
  buffers: Float32Array,
  { file, ignore = [], atLeast = 1 }: WarmStart,
): LoadReport {
  const tensors = readWeights(file)
  const names = new Set([...network.parameters, ...network.buffers].map(({ name }) => name))
  for (const part of ignore) checkPart(part, [...names])
  const found: Record<'matched' | 'missing' | 'misshapen' | 'ignored', string[]> = {
    matched: [],
    missing: [],
    misshapen: [],
    ignored: [],
  }
  let [wanted, loaded] = [0, 0]
  for (const [layout, flat] of [
    [network.parameters, weights],
    [network.buffers, buffers],
  ] as const) {
    // prettier-ignore
    let at = 0
    for (const { name, shape } of layout) {
      const [from, size] = [at, sizeOf(shape)]
      at += size
      const stored = tensors.get(name)
      const isIgnored = ignore.some((part) => isPart(name, part))
      const fits = stored !== undefined && sameShape(stored.shape, shape)
      found[isIgnored ? 'ignored' : fits ? 'matched' : stored ? 'misshapen' : 'missing'].push(name)
      if (isIgnored) continue
      wanted += size
      if (!fits) continue
      flat.set(stored.data, from)
      loaded += size
    }
  }
  const unexpected = [...tensors.keys()].filter((name) => !names.has(name) && !/^(optimizer|sampling)\./.test(name))
  const report = { ...found, unexpected, share: wanted === 0 ? 1 : loaded / wanted }
  if (report.share < atLeast) throw tooLittle(file, report, atLeast)
  return report
}

function isPart(name: string, part: string): boolean {
  return name === part || name.startsWith(`${part}.`)
}

function checkPart(part: string, names: readonly string[]): void {
  if (names.some((name) => isPart(name, part))) return
  const parts = [...new Set(names.map((name) => name.split('.')[0]!))]
  const near = nearest(part, parts)
  const hint = near ? `did you mean '${near}'?` : `its parts are ${parts.join(', ')}`
  throw new TuneError('checkpoint/invalid', `a warm start is to ignore '${part}', which the network has not`, { hint })
}

function tooLittle(file: string, { share, missing, misshapen, unexpected }: LoadReport, atLeast: number): TuneError {
  const some = (what: string, list: readonly string[]) =>
    list.length > 0 ? [`${list.length} ${what}, such as '${list[0]}'`] : []
  const details = [
    ...some('missing', missing),
    ...some('of another shape', misshapen),
    ...some('unexpected', unexpected),
  ]
  const percent = (value: number) => `${(100 * value).toFixed(1)} %`
  const message = `${file} has ${percent(share)} of the weights, less than ${percent(atLeast)}: ${details.join('; ')}`
  const hint = 'give the parts that shall start anew as `ignore`, or a smaller `atLeast`'
  return new TuneError('checkpoint/invalid', message, { hint })
}
