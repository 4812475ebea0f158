import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { encodeIds } from '../../src/data/png_encode.ts'
import type { PanopticFiles } from '../../src/eval/panoptic_files.ts'
import { categories, type MadeScene } from './scenes.ts'

/** Writes scenes as COCO panoptic JSON and PNGs; a list longer than the scenes repeats their files. */
export function writeScenes(dir: string, scenes: readonly MadeScene[], images = scenes.length): PanopticFiles {
  for (const side of ['truth', 'prediction'] as const) {
    const folder = join(dir, side === 'truth' ? 'gt' : 'pred')
    mkdirSync(folder, { recursive: true })
    for (const [i, scene] of scenes.entries()) {
      const { labels, segments } = scene[side]
      const ids = Uint32Array.from(labels, (label) => (label === 0 ? 0 : segments[label - 1]!.id))
      writeFileSync(join(folder, `${i}.png`), encodeIds({ width: scene.width, height: scene.height, ids }))
    }
    const annotations = Array.from({ length: images }, (_, image) => {
      const listed = scenes[image % scenes.length]![side].segments
      const segments = listed.map(({ id, category, area }) => ({
        id,
        category_id: categories[category]!.id,
        area,
        iscrowd: 0,
      }))
      return { image_id: image, file_name: `${image % scenes.length}.png`, segments_info: segments }
    })
    const named = categories.map(({ id, name, isThing }) => ({ id, name, isthing: isThing ? 1 : 0 }))
    writeFileSync(`${folder}.json`, JSON.stringify({ annotations, categories: named }))
  }
  return {
    truthJson: join(dir, 'gt.json'),
    truthDir: join(dir, 'gt'),
    predictionJson: join(dir, 'pred.json'),
    predictionDir: join(dir, 'pred'),
  }
}
