import { openFiles, type PanopticFiles, type ScoredFiles, type ScoreFilesOptions } from './panoptic_files.ts'
import { race, type RaceOptions, type StoppedRace } from './racing.ts'

/** A race of files that was not stopped: both are scored in full. */
export interface FinishedFiles {
  readonly state: 'finished'
  readonly scored: readonly [candidate: ScoredFiles, best: ScoredFiles]
}

/** Scores the predictions of two files side by side, and stops as soon as the first are clearly worse. */
export async function raceFiles(
  candidate: PanopticFiles,
  best: PanopticFiles,
  { seed, ...options }: ScoreFilesOptions & Pick<RaceOptions, 'seed'>,
): Promise<FinishedFiles | StoppedRace> {
  const first = await openFiles(candidate, options)
  try {
    const second = await openFiles(best, options)
    try {
      const score = async (images: readonly number[]) => ({
        candidate: await first.score(images),
        best: await second.score(images),
      })
      const { categories, imageIds } = first
      const result = await race(imageIds.length, score, { seed })
      if (result.state === 'stopped') return result
      const [one, other] = [result.candidate, result.best].map((counts): ScoredFiles => ({
        categories,
        images: imageIds.map((imageId, i) => ({ imageId, counts: counts[i]! })),
      })) as [ScoredFiles, ScoredFiles]
      return { state: 'finished', scored: [one, other] }
    } finally {
      await second.close()
    }
  } finally {
    await first.close()
  }
}
