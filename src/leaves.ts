import type { Json } from './json.ts'
import type { Choice, NumberSpec, Params, ParamSpec } from './param.ts'

/** One dimension as a store writes it: its name, declaration, and plain value (null where it is switched off). */
export interface Leaf {
  readonly name: string
  readonly spec: Exclude<ParamSpec, { kind: 'oneOf' }>
  readonly value: Choice
  readonly active: boolean
}

/** The leaves of some params, aligned with `spaceDims`: the flat view that a table, an export or Optuna wants. */
export function leaves(specs: Readonly<Record<string, ParamSpec>>, params: Params): readonly Leaf[] {
  return Object.entries(specs).flatMap(([name, spec]) =>
    leavesOf(name, spec, params[name] ?? null, Object.hasOwn(params, name)),
  )
}

function leavesOf(name: string, spec: ParamSpec, value: Json, active: boolean): readonly Leaf[] {
  if (spec.kind !== 'oneOf') return [{ name, spec, value: active ? (value as Choice) : null, active }]
  const options = Object.keys(spec.options) as [string, ...string[]]
  const { kind, ...inner } = (value ?? { kind: null }) as Params
  const which = { kind: 'choice', choices: options, default: options[0] } as const
  return [
    { name, spec: which, value: active ? (kind as Choice) : null, active },
    ...options.flatMap((option) =>
      Object.entries(spec.options[option]!).flatMap(([key, leaf]) =>
        leavesOf(`${name}.${option}.${key}`, leaf, inner[key] ?? null, active && option === kind),
      ),
    ),
  ]
}

/** A declaration as its author wrote it: `loguniform(1, 1000, { default: 200 })`. */
export function describeSpec(spec: ParamSpec): string {
  switch (spec.kind) {
    case 'choice':
    case 'ordinal':
      return `${spec.kind}(${spec.choices.map((option) => JSON.stringify(option)).join(', ')})`
    case 'oneOf':
      return `oneOf(${record(spec.options, (option) => record(option, describeSpec))})`
    case 'normal':
      return `normal(${spec.mean}, ${spec.deviation}, ${boundsText(spec)})`
    case 'lognormal':
      return `lognormal(${spec.median}, ${spec.factor}, ${boundsText(spec)})`
    default:
      return `${spec.kind}(${spec.low}, ${spec.high}, { ${spec.step === undefined ? '' : `step: ${spec.step}, `}default: ${spec.default} })`
  }
}

function boundsText({ low, high, default: start }: NumberSpec): string {
  return `{ low: ${low}, high: ${high}, default: ${start} }`
}

function record<T>(fields: Readonly<Record<string, T>>, describe: (field: T) => string): string {
  const described = Object.entries(fields).map(([name, field]) => `${name}: ${describe(field)}`)
  return described.length === 0 ? '{}' : `{ ${described.join(', ')} }`
}

/** The parameters of some params that a space has, each that they lack at its default. Whether they lie in it is not checked. */
export function fitParams(specs: Readonly<Record<string, ParamSpec>>, params: Params): Params {
  return Object.fromEntries(Object.entries(specs).map(([name, spec]) => [name, fitted(spec, params[name])]))
}

function fitted(spec: ParamSpec, value: Json | undefined): Json {
  if (value === undefined) return spec.default
  if (spec.kind !== 'oneOf') return value
  const { kind, ...inner } = value as Params
  const option = typeof kind === 'string' && Object.hasOwn(spec.options, kind) ? spec.options[kind] : undefined
  return option ? { kind: kind!, ...fitParams(option, inner) } : value
}
