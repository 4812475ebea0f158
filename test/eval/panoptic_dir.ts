import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { encodeIds } from '../../src/data/png_encode.ts'
import { stream } from '../../src/rng.ts'

/** Where `writePanoptic` put a ground truth and its predictions. */
export interface PanopticDir {
  readonly truthJson: string
  readonly truthDir: string
  readonly predictionJson: string
  readonly predictionDir: string
}

/** A ground truth of some images of blocks, with void and a crowd, and predictions that are wrong here and there. */
export function writePanoptic(dir: string, images: number, size: { width: number; height: number }): PanopticDir {
  const paths = {
    truthJson: join(dir, 'gt.json'),
    truthDir: join(dir, 'gt'),
    predictionJson: join(dir, 'pred.json'),
    predictionDir: join(dir, 'pred'),
  }
  const sides = { gt: [] as object[], pred: [] as object[] }
  for (const side of ['gt', 'pred'] as const) mkdirSync(join(dir, side), { recursive: true })
  for (let image = 0; image < images; image++) {
    const truth = blocks(image, size)
    const wrong = stream(image, 'wrong')
    const predicted = truth.map((id) => (wrong.uniform() < 0.1 ? 3 : id === 0 ? 1 : id))
    for (const [side, ids] of [
      ['gt', truth],
      ['pred', predicted],
    ] as const) {
      // prettier-ignore
      const file = `${image}.png`
      writeFileSync(join(dir, side, file), encodeIds({ ...size, ids: Uint32Array.from(ids) }))
      sides[side].push({ image_id: `image ${image}`, file_name: file, segments_info: listed(ids) })
    }
  }
  const categories = [
    { id: 5, name: 'cell', isthing: 1 },
    { id: 2, name: 'sky', isthing: 0 },
  ]
  writeFileSync(paths.truthJson, JSON.stringify({ categories, annotations: sides.gt }))
  writeFileSync(paths.predictionJson, JSON.stringify({ annotations: sides.pred }))
  return paths
}

function blocks(seed: number, { width, height }: { width: number; height: number }): number[] {
  const rng = stream(seed, 'blocks')
  const ids = Array.from({ length: 9 }, () => rng.below(5) * 7919)
  return Array.from({ length: width * height }, (_, i) => {
    const [x, y] = [i % width, Math.floor(i / width)]
    return ids[Math.floor((3 * x) / width) + 3 * Math.floor((3 * y) / height)]!
  })
}

function listed(ids: readonly number[]): readonly object[] {
  const distinct = [...new Set(ids)].filter((id) => id !== 0)
  return distinct.map((id) => ({
    id,
    category_id: id % 3 === 0 ? 5 : 2,
    iscrowd: id === 7919 * 4 ? 1 : 0,
    area: ids.filter((other) => other === id).length,
  }))
}
