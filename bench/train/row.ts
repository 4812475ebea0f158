/** A line of the table: what was measured, and what it must be. */
export interface Row {
  readonly what: string
  readonly ours: string
  /** Empty where there is nothing to compare with. */
  readonly theirs: string
  readonly value: number
  readonly bound: number
  /** Whether the value must not exceed the bound, or not fall below it. */
  readonly sense: 'at most' | 'at least'
}

export function isMissed({ value, bound, sense }: Row): boolean {
  return sense === 'at most' ? value > bound : value < bound
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!
}

/** CPU milliseconds of this process that some work takes, once. */
export async function cpuMs(times: number, work: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage()
  for (let i = 0; i < times; i++) await work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000 / times
}
