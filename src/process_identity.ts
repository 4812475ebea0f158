import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** A process and no other: numbers of processes are used again, but not at the same moment. */
export interface ProcessIdentity {
  readonly pid: number
  /** When it started, as its system says it; undefined where that does not. */
  readonly started: string | undefined
}

export function identityOf(pid: number): ProcessIdentity {
  return { pid, started: startOf(pid) }
}

/** Whether that very process lives, or is dead and waits for its parent to notice. */
export function isAlive({ pid, started }: ProcessIdentity): boolean {
  return started !== undefined && startOf(pid) === started
}

/** On Linux, in clock ticks since that boot: field 22 of proc(5)'s stat, the 20th behind the name in brackets. */
function startOf(pid: number): string | undefined {
  try {
    if (process.platform !== 'linux') return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim() || undefined // prettier-ignore
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()
    const ticks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
    return `${boot} ${ticks}`
  } catch {
    return undefined
  }
}
