import Database from 'better-sqlite3'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { studiesFile, studyDir, workersDir } from '../../src/results.ts'
import type { Rng } from '../../src/rng.ts'
import { openSqliteStore } from '../../src/store/sqlite.ts'
import { hasEnded, type Trial } from '../../src/trial.ts'

/** A study, as the command line runs it. */
export interface Place {
  /** The built command line. */
  readonly cli: string
  readonly file: string
  readonly study: string
  readonly results: string
  readonly slots: number
  readonly trials: number
  readonly executor: 'threads' | 'processes'
}

/** How it is killed. */
export interface Storm extends Place {
  readonly chance: Rng
  /** The longest that is waited before the next kill, in milliseconds. */
  readonly patienceMs: number
}

export interface Damage {
  /** Processes that were ended by SIGKILL: drivers, workers, and both at once. */
  readonly kills: { driver: number; worker: number; both: number }
  /** Runs of the driver that it took. */
  runs: number
  /** What was found that must not be, in words. */
  readonly faults: string[]
}

/** Runs a study again and again, killing at random, until it has been killed so often or is done. Then lets it end. */
export async function storm(of: Storm, kills: number): Promise<Damage> {
  const damage: Damage = { kills: { driver: 0, worker: 0, both: 0 }, runs: 0, faults: [] }
  const losses = new Map<number, number>()
  let kept: readonly Trial[] = []
  while (countKills(damage) < kills) {
    const isOver = await stormOnce(of, damage, losses, kills)
    kept = check(of, kept, damage)
    if (isOver) break
  }
  const { code, errors } = await ended(start(of))
  damage.runs++
  if (code !== 0) damage.faults.push(`the last run ended with exit code ${code}: ${errors}`)
  check(of, kept, damage)
  const left = query(of.results, `SELECT number, state FROM trials WHERE state IN ('RUNNING', 'WAITING')`)
  if (left.length > 0) damage.faults.push(`trials are left: ${JSON.stringify(left)}`)
  return damage
}

export function countKills({ kills: { driver, worker, both } }: Damage): number {
  return driver + worker + both
}

/** One run of the driver, to the kill that ends it; whether it came to its own end. */
async function stormOnce(of: Storm, damage: Damage, losses: Map<number, number>, kills: number): Promise<boolean> {
  const { chance } = of
  const driver = start(of)
  const exit = ended(driver)
  damage.runs++
  const current = new Map<number, number>()
  void hear(driver, (line) => {
    const { kind, slot = 0, trial = 0 } = JSON.parse(line) as { kind: string; slot?: number; trial?: number }
    if (kind === 'trial-started') current.set(slot, trial)
  })
  for (;;) {
    const isOver = await Promise.race([exit.then(() => true), sleep(of.patienceMs * chance.uniform(), false)])
    if (isOver) {
      const { code, errors } = await exit
      if (code !== 0) damage.faults.push(`a run that nobody killed ended with exit code ${code}: ${errors}`)
      return code === 0
    }
    // A trial may lose its worker three times.
    const trials = [...current.values()]
    const mayLose = trials.length > 0 && trials.every((trial) => (losses.get(trial) ?? 0) < 3)
    const worker = of.executor === 'processes' && mayLose ? someWorker(of) : undefined
    const victim = worker === undefined ? 'driver' : pick(chance, ['driver', 'worker', 'both'] as const)
    if (worker !== undefined && victim !== 'driver' && !kill(worker)) continue
    damage.kills[victim]++
    if (victim === 'worker') for (const trial of trials) losses.set(trial, (losses.get(trial) ?? 0) + 1)
    if (victim === 'worker' && countKills(damage) < kills) continue
    driver.kill('SIGKILL')
    await exit
    return false
  }
}

/** Starts the study, or continues it. */
export function start({ cli, file, results, slots, trials, executor }: Place): ChildProcess {
  const options = { results, slots, trials, executor }
  const words = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)])
  return spawn(process.execPath, [cli, 'run', file, ...words, '--json'], { stdio: ['ignore', 'pipe', 'pipe'] })
}

/** How a command ended. */
export async function ended(child: ChildProcess): Promise<{ readonly code: number | null; readonly errors: string }> {
  let errors = ''
  child.stderr?.on('data', (chunk: Buffer) => (errors += chunk.toString()))
  child.stdout?.resume()
  const [code] = (await once(child, 'exit')) as [number | null]
  return { code, errors }
}

async function hear({ stdout }: ChildProcess, onLine: (line: string) => void): Promise<void> {
  if (stdout) for await (const line of createInterface(stdout)) onLine(line)
}

function pick<T>(chance: Rng, items: readonly T[]): T {
  return items[chance.below(items.length)]!
}

/** A worker process that lives, or did a moment ago. */
function someWorker({ results, study, chance }: Storm): number | undefined {
  const dir = workersDir(results, study)
  const files = existsSync(dir) ? readdirSync(dir).filter((name) => name.endsWith('.json')) : []
  if (files.length === 0) return undefined
  return (JSON.parse(readFileSync(join(dir, pick(chance, files)), 'utf8')) as { readonly pid: number }).pid
}

function kill(pid: number): boolean {
  try {
    process.kill(pid, 'SIGKILL')
    return true
  } catch {
    return false
  }
}

/** Looks for what a kill must not do; the trials that have ended. */
function check({ results, study }: Storm, kept: readonly Trial[], { faults, runs }: Damage): readonly Trial[] {
  if (!existsSync(studiesFile(results))) return []
  const fault = (what: string) => faults.push(`after run ${runs}: ${what}`)
  const integrity = query(results, 'PRAGMA integrity_check')
  if (JSON.stringify(integrity) !== '[{"integrity_check":"ok"}]')
    fault(`integrity_check says ${JSON.stringify(integrity)}`)
  const trials = trialsIn(results, study)
  for (const before of kept) {
    const now = trials.find(({ number }) => number === before.number)
    if (JSON.stringify(now) !== JSON.stringify(before)) fault(`trial ${before.number}, which had ended, is another now`)
  }
  const running = trials.filter(({ outcome }) => outcome.state === 'running')
  if (running.length > 0) fault(`trials ${running.map(({ number }) => number).join(', ')} are left running`)
  const overlaps = join(studyDir(results, study), 'trials', 'overlaps.txt')
  if (existsSync(overlaps)) fault(`trials ran twice at a time: ${readFileSync(overlaps, 'utf8')}`)
  return trials.filter(hasEnded)
}

export function trialsIn(results: string, study: string): readonly Trial[] {
  const store = openSqliteStore(results)
  try {
    return store.list().find(({ record }) => record.name === study)?.history.trials ?? []
  } finally {
    store.close()
  }
}

/** What a trial came to, but for when and after which mishaps. */
export function resultOf({ number, params, seed, reports, outcome }: Trial): unknown {
  return { number, params, seed, outcome, metrics: reports.map(({ metrics }) => metrics) }
}

function query(results: string, sql: string): readonly unknown[] {
  const db = new Database(studiesFile(results), { readonly: true })
  try {
    return db.prepare(sql).all()
  } finally {
    db.close()
  }
}
