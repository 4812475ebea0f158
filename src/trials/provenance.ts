import { createRequire } from 'node:module'
import { arch, cpus, hostname, platform } from 'node:os'
import { basename } from 'node:path'
import type { Json } from '../json.ts'
import type { LoggedEvent, StoredStudy } from '../store/store.ts'
import type { Trial } from '../trial.ts'
import { version } from '../version.ts'

/** The best trial of another study, which a stage begins from. */
export interface Source {
  readonly study: string
  readonly trial: number
  /** sha256 of its checkpoint. */
  readonly checkpoint: string
}

/** Where the trials of a run come from: what would have to be the same again for them to be. Kept in the study's log. */
export interface Provenance {
  /** When its run began, in milliseconds since 1970. */
  readonly at: number
  /** sha256 of the study's code, and the name of the bundle that was run. */
  readonly code: string
  readonly bundle: string
  /** sha256 of what `prepare` gave. */
  readonly data: string
  readonly settings: Readonly<Record<string, string | number | boolean>>
  /** What the study begins from; empty where it begins anew. */
  readonly sources: readonly Source[]
  readonly host: string
  readonly machine: string
  readonly versions: Readonly<Record<string, string>>
}

const KIND = 'provenance'

/** The machine and the versions that a trial runs with here. */
export function surroundings(): Pick<Provenance, 'host' | 'machine' | 'versions'> {
  const cpu = cpus()[0]?.model.trim() ?? 'unknown CPU'
  return {
    host: hostname(),
    machine: `${cpu}, ${platform()} ${arch()}`,
    versions: { panoptune: version(), node: process.version, 'onnxruntime-node': packageVersion('onnxruntime-node') },
  }
}

/** As an event of the study's log; `url` is that of the study's bundle. */
export function provenanceEvent(run: Pick<Provenance, 'code' | 'data' | 'settings' | 'sources'>, url: string) {
  const sources = run.sources.map((source): Json => ({ ...source }))
  return { kind: KIND, ...run, sources, bundle: basename(url), ...surroundings() }
}

/** All that a study's log has, the oldest first. One that is not as we write it says nothing. */
export function provenancesOf(events: readonly LoggedEvent[]): readonly Provenance[] {
  return events.filter((event) => event.kind === KIND && isProvenance(event)) as unknown as readonly Provenance[]
}

function isProvenance({ code, bundle, data, host, machine, settings, versions, sources }: LoggedEvent): boolean {
  const areTexts = [code, bundle, data, host, machine].every((text) => typeof text === 'string')
  return areTexts && isFields(settings) && isFields(versions) && Array.isArray(sources) && sources.every(isSource)
}

function isSource(value: unknown): boolean {
  if (!isFields(value)) return false
  const { study, trial, checkpoint } = value
  return typeof study === 'string' && Number.isSafeInteger(trial) && typeof checkpoint === 'string'
}

function isFields(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** That of the run in which a trial was last started; undefined where an older version ran it. */
export function provenanceOf(
  { events, attempts }: Pick<StoredStudy, 'events' | 'attempts'>,
  { number, reports }: Trial,
): Provenance | undefined {
  const startedAt = attempts(number).at(-1)?.startedAt ?? reports[0]?.at ?? Infinity
  return provenancesOf(events()).findLast(({ at }) => at <= startedAt)
}

function packageVersion(name: string): string {
  const { version } = createRequire(import.meta.url)(`${name}/package.json`) as { readonly version: string }
  return version
}
