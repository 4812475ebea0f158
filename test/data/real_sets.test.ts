import { existsSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { openImageSet } from '../../src/data/open.ts'
import { imageSetSummary } from '../../src/data/summary.ts'
import { scratchDir } from './tiny_set.ts'

const data = '../shared/data'

describe.skipIf(!existsSync(data))('real data sets (skipped where ../shared is absent)', () => {
  test('dsb2018 opens, and its images of 256x241 keep their size', async () => {
    const set = await openImageSet({ dir: `${data}/dsb2018`, split: 'val', cacheDir: scratchDir() })
    const odd = set.scenes.filter(({ height }) => height !== 256)
    expect(odd.map(({ width, height }) => [width, height])).toEqual([[256, 241]])
    const { scenes, pixels, voidPixels, unlistedPixels, categories } = imageSetSummary(set)
    expect({ scenes, pixels }).toEqual({ scenes: 131, pixels: 131 * 256 * 256 - 256 * 15 })
    // Numbers of instances as the set's README gives them; it has no void.
    expect({ voidPixels, unlistedPixels, nuclei: categories[0]?.segments }).toEqual({
      voidPixels: 0,
      unlistedPixels: 0,
      nuclei: 4070,
    })
  })

  test('coco200 opens with things, stuff, crowds and void, in both of its labellings', async () => {
    const cacheDir = scratchDir()
    const said: string[] = []
    const open = (split: string) =>
      openImageSet({ dir: `${data}/coco200`, split, cacheDir, progress: (line) => said.push(line) })
    const fine = imageSetSummary(await open('val'))
    const coarse = imageSetSummary(await open('coarse_val'))
    expect([fine.scenes, coarse.scenes, fine.categories.length, coarse.categories.length]).toEqual([68, 68, 133, 13])
    expect([fine.pixels, fine.unlistedPixels, fine.categories.some(({ crowds }) => crowds > 0)]).toEqual([
      coarse.pixels,
      0,
      true,
    ])
    expect(fine.voidPixels / fine.pixels).toBeGreaterThan(0.05)
    expect(said).toEqual([])
  })
})
