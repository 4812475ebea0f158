/** A line of the table. */
export interface Row {
  readonly what: string
  /** Milliseconds, CPU time unless `what` says otherwise. */
  readonly ours_ms: number
  /** Absent where the reference is. */
  readonly reference_ms?: number
  /** How many times as long the reference takes. */
  readonly ratio?: number
  /** The ratio that is asked, at least. */
  readonly target: number
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!
}

/** CPU milliseconds of this process that some work takes. */
export function cpuMs(work: () => void): number {
  const before = process.cpuUsage()
  work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}
