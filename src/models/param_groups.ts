import { nearest, TuneError } from '../errors.ts'
import { countOf } from './graph/bind.ts'
import { sizeOf, type Graph } from './graph/graph.ts'
import { checkOptions, notNegative } from './options.ts'

/** Parameters that are trained in a way of their own. */
export interface ParamGroup {
  /** Names of parameters, where `*` stands for any letters: `backbone.*`, `*.bias`. */
  readonly pattern: string
  /** Factor of the learning rate; 0 keeps the parameters as they are. Default 1. */
  readonly lr?: number
  /** Factor of the weight decay. Default: 1, but 0 for biases and normalisations, which decay would only disturb. */
  readonly weightDecay?: number
}

/** Vectors of one element a weight, for an optimizer's step. */
export interface WeightFactors {
  /** Factors of the learning rate. */
  readonly lrScale: Float32Array
  /** Factors of the weight decay. */
  readonly decays: Float32Array
}

/**
 * What groups make of a network's learning rate and weight decay; of several that match, the last that says something
 * counts. Frozen layers have a rate of 0, so that nothing moves them. Throws `params/invalid` for a pattern that matches
 * nothing.
 */
export function weightFactors(graph: Graph, groups: readonly ParamGroup[] = []): WeightFactors {
  const matchers = groups.map((group) => ({ ...group, matches: matcherOf(graph, group) }))
  const lrScale = new Float32Array(countOf(graph, 'parameters'))
  const decays = new Float32Array(lrScale.length)
  let at = 0
  for (const { name, shape } of graph.parameters) {
    const end = at + sizeOf(shape)
    const own = matchers.filter(({ matches }) => matches(name))
    const isFrozen = graph.purpose.isFrozen(name.slice(0, name.lastIndexOf('.')))
    lrScale.fill(isFrozen ? 0 : (own.findLast(({ lr }) => lr !== undefined)?.lr ?? 1), at, end)
    const decay = own.findLast(({ weightDecay }) => weightDecay !== undefined)?.weightDecay
    decays.fill(decay ?? (shape.length > 1 ? 1 : 0), at, end)
    at = end
  }
  return { lrScale, decays }
}

function matcherOf({ parameters }: Graph, group: ParamGroup): (name: string) => boolean {
  const { pattern } = group
  const isText = { holds: (value: unknown) => typeof value === 'string', wanted: 'the name of a parameter' }
  checkOptions(`parameter group ${quoted(pattern)}`, group, {
    pattern: isText,
    lr: notNegative,
    weightDecay: notNegative,
  })
  const parts = pattern.split('*').map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`))
  const expression = new RegExp(`^${parts.join('.*')}$`)
  const names = parameters.map(({ name }) => name)
  if (names.some((name) => expression.test(name))) return (name) => expression.test(name)

  const patterns = [...new Set(names.flatMap(patternsOf))]
  const near = nearest(pattern, patterns)
  throw new TuneError('params/invalid', `the parameter group '${pattern}' matches no parameter`, {
    hint: near
      ? `did you mean '${near}'?`
      : `there are ${patterns.filter((one) => /^[^.]+\.\*$/.test(one)).join(', ')}`,
  })
}

function quoted(pattern: unknown): string {
  return typeof pattern === 'string' ? `'${pattern}'` : JSON.stringify(pattern)
}

/** What somebody may have meant to match a parameter: `a.b.weight` is of `a.*`, `a.b.*` and `*.weight`. */
function patternsOf(name: string): readonly string[] {
  const parts = name.split('.')
  const layers = parts.slice(0, -1).map((_, i) => `${parts.slice(0, i + 1).join('.')}.*`)
  return [name, ...layers, `*.${parts.at(-1)}`]
}
