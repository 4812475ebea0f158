import type { Turn } from './turns.ts'

/** Batches may be prepared so far ahead of the losses that they follow from: without it no thread could work ahead. */
export const HEEDED_AFTER = 3

/** Knows the last losses of the scenes as they were `HEEDED_AFTER` batches ago, and how often each scene is to come. */
export function hardExamples(hardest: number) {
  const lastLoss = new Map<number, number>()
  const untold: (readonly Turn[])[] = []
  const told: { readonly turns: readonly Turn[]; readonly losses: ArrayLike<number> }[] = []
  let [batches, counted] = [0, 0]
  let mean = 0
  return {
    factorOf(scene: number) {
      const loss = lastLoss.get(scene)
      return loss === undefined || mean === 0 ? 1 : Math.min(hardest, Math.max(1, loss / mean))
    },
    taken(turns: readonly Turn[]) {
      batches += 1
      if (hardest > 1) untold.push(turns)
    },
    heed(losses: ArrayLike<number>) {
      const turns = untold.shift()
      if (turns) told.push({ turns, losses })
    },
    /** Counts what has to be known by now and nothing else, however much was told already. */
    catchUp() {
      if (hardest === 1) return
      for (; counted <= batches - HEEDED_AFTER; counted++) {
        const batch = told.shift()
        if (!batch) throw new Error(`batch ${batches} follows from the losses of batch ${counted}, which nobody told`)
        for (const [i, { scene }] of batch.turns.entries()) lastLoss.set(scene, batch.losses[i] ?? 0)
      }
      mean = [...lastLoss.values()].reduce((sum, loss) => sum + loss, 0) / Math.max(1, lastLoss.size)
    },
  }
}
