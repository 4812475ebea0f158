import { fileURLToPath } from 'node:url'
import type { ExecutorKind } from '../study.ts'
import type { Executor, Slot } from '../trials/executor.ts'
import { inlineExecutor } from '../trials/inline.ts'
import { processesExecutor } from '../trials/processes.ts'
import { threadsExecutor } from '../trials/threads.ts'

/** Where trials are kept. */
export interface Place {
  readonly results: string
  /** The study whose attempts they are. Without, they are outside of any, and their workers hold no locks. */
  readonly study?: string
}

/** Opens what a study runs in: what was asked for, or what its devices need. */
export function openExecutor(asked: ExecutorKind | undefined, slots: readonly Slot[], place: Place): Executor {
  switch (asked ?? usualExecutor(slots)) {
    case 'inline':
      return inlineExecutor(slots)
    case 'threads':
      return threadsExecutor(slots)
    case 'processes':
      return processesExecutor(slots, { script, args: (slot) => argsOf(slot, place) })
  }
}

/** TensorFlow.js and WebGPU claim a device for their whole process, and a crash of their drivers ends it. */
export function usualExecutor(slots: readonly Slot[]): ExecutorKind {
  return slots.some(({ device }) => device.kind === 'webgpu' || device.kind === 'tfjs') ? 'processes' : 'threads'
}

function argsOf({ index }: Slot, { results, study }: Place): readonly string[] {
  return [results, String(index), ...(study === undefined ? [] : [study])]
}

/** Processes run JavaScript: from the sources, as the tests do, the built one is taken. */
const script = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? '../../dist/cli/trial_process.js' : './trial_process.js', import.meta.url),
)
