import { TuneError } from '../errors.ts'
import { canonicalJson } from '../json.ts'
import type { Params } from '../space.ts'
import type { Study } from '../study.ts'
import { blame } from './blame.ts'

/** What an objective is handed: params, and what the study derives from them. */
export function withDerived(study: Study, params: Params): Params {
  return { ...params, ...derivedOf(study, params) }
}

/** What a study derives from params; undefined where it derives nothing. */
export function derivedOf(study: Study, params: Params): Params | undefined {
  if (!study.derive) return undefined
  const derived: unknown = blame('derive', () => study.derive?.(params as never))
  if (!isPlain(derived)) throw refusal(study, `derive gives ${String(derived)}, no object of values`)
  const twice = Object.keys(derived).find((name) => Object.hasOwn(study.space, name))
  if (twice !== undefined) throw refusal(study, `derive gives '${twice}', which is a parameter already`)
  const lost = Object.keys(derived).find((name) => !survivesJson(derived[name]))
  if (lost !== undefined)
    throw refusal(study, `derive gives '${lost}' as ${String(derived[lost])}, which cannot be stored`)
  return derived as Params
}

function refusal({ name }: Study, problem: string): TuneError {
  return new TuneError('study/invalid', `${name}: ${problem}`, {
    hint: 'write derive: ({ width }) => ({ heads: width / 16 })',
  })
}

function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function survivesJson(value: unknown): boolean {
  const text = JSON.stringify(value) as string | undefined
  if (text === undefined) return false
  return typeof value === 'number'
    ? Number.isFinite(value)
    : canonicalJson(JSON.parse(text)) === canonicalJson(value as never)
}
