import { TuneError } from '../errors.ts'
import type { ListedScene } from './coco_panoptic.ts'
import { isDamaged, noteDamaged, orDamaged, wholeOf, withoutDamaged, type DamagedPolicy } from './damaged.ts'
import type { Category, DamagedImage, ImageSet, Scene } from './image_set.ts'
import { labelPixels } from './labels.ts'
import { decodePhoto } from './photos.ts'
import { decodeIds } from './png.ts'
import { allocateSet, type StoredSet } from './set_file.ts'
import { readInspected, type SourceFile } from './source_file.ts'

/** An image of a set to be, with the files that hold its pixels and its labels. */
export interface SceneSource {
  readonly listed: ListedScene
  readonly photo: SourceFile
  readonly labels: SourceFile
}

/** What a set is called if all its images are whole, and if some are damaged. */
export interface SetIds {
  readonly whole: string
  readonly damaged: string
}

/** Photographs decoded at a time: enough to keep libuv's threads busy. */
const AT_ONCE = 8

/**
 * Decodes every photograph and label PNG into shared memory, in order. What is damaged is dealt with by the policy: the
 * first such image is thrown as `data/invalid`, or its place in memory stays empty.
 */
export async function decodeSet(
  ids: SetIds,
  categories: readonly Category[],
  sources: readonly (SceneSource | DamagedImage)[],
  policy: DamagedPolicy,
  progress: (message: string) => void,
): Promise<StoredSet> {
  const starts = [0]
  for (const source of sources) starts.push(starts.at(-1)! + pixelsOf(source))
  const { pixels, labels } = allocateSet(starts.at(-1)!)
  const decode = async (source: SceneSource | DamagedImage, at: number) => {
    if (isDamaged(source)) return source
    return orDamaged(source.listed.image.id, policy, () => decodeScene(source, at, pixels, labels))
  }
  const decoded: (DecodedScene | DamagedImage)[] = []
  for (let from = 0; from < sources.length; from += AT_ONCE) {
    const batch = sources.slice(from, from + AT_ONCE)
    decoded.push(...(await Promise.all(batch.map((source, i) => decode(source, starts[from + i]!)))))
    if (from > 0 && from % 256 === 0) progress(`${from} of ${sources.length} images read`)
  }
  const damaged = decoded.filter(isDamaged)
  const scenes = withoutDamaged(
    decoded.map((image) => (isDamaged(image) ? image : image.scene)),
    policy,
  )
  const set = { id: ids.whole, categories, scenes, pixels, labels }
  const notes = [...noteDamaged(damaged, policy), ...noteOddities(wholeOf(decoded))]
  return { set: damaged.length > 0 ? { ...set, id: ids.damaged, damaged } : set, notes }
}

function pixelsOf(source: SceneSource | DamagedImage): number {
  return isDamaged(source) ? 0 : source.listed.image.width * source.listed.image.height
}

interface DecodedScene {
  readonly scene: Scene
  /** Listed segments that have no pixel. */
  readonly empty: number
  /** Pixels whose segment is not listed. */
  readonly unlisted: number
  /** Segments whose area in the JSON is not their number of pixels. */
  readonly misjudged: number
}

async function decodeScene(
  { listed, photo, labels }: SceneSource,
  at: number,
  setPixels: ImageSet['pixels'],
  setLabels: ImageSet['labels'],
): Promise<DecodedScene> {
  const { id: imageId, fileName: file, width, height } = listed.image
  const image = await decodePhoto(readInspected(photo), photo.path)
  checkSize(image, listed, photo.path)
  const png = decodeIds(readInspected(labels), labels.path)
  checkSize(png, listed, labels.path)
  setPixels.set(image.pixels, 3 * at)
  const { areas, unlisted } = labelPixels(png.ids, listed.segments, setLabels.subarray(at, at + width * height))
  const segments = listed.segments.map((segment, i) => ({ ...segment, area: segment.area ?? areas[i] ?? 0 }))
  return {
    scene: { imageId, file, height, width, at, segments },
    empty: segments.filter((_, i) => areas[i] === 0).length,
    unlisted,
    misjudged: segments.filter(({ area }, i) => areas[i] !== 0 && areas[i] !== area).length,
  }
}

function checkSize(found: { width: number; height: number }, { image }: ListedScene, path: string): void {
  if (found.width === image.width && found.height === image.height) return
  const sizes = `is ${found.width}x${found.height}, but image ${JSON.stringify(image.id)} is ${image.width}x${image.height} in the JSON`
  throw new TuneError('data/invalid', `${path}: ${sizes}`, {
    hint: 'photograph, label PNG and JSON must have one size; resize labels without blending their ids',
  })
}

/** What panopticapi accepts in a ground truth although it is hardly meant. */
function noteOddities(scenes: readonly DecodedScene[]): readonly string[] {
  return (['empty', 'unlisted', 'misjudged'] as const).flatMap((kind) => {
    const odd = scenes.filter((scene) => scene[kind] > 0)
    const total = odd.reduce((sum, scene) => sum + scene[kind], 0)
    return odd
      .slice(0, 1)
      .map(({ scene }) => `${total} ${ODDITIES[kind]}, first in image ${JSON.stringify(scene.imageId)}`)
  })
}

const ODDITIES = {
  empty: 'listed segments without a pixel',
  unlisted: 'pixels of segments that are not listed',
  misjudged: 'segments whose area is not the one in the JSON',
}
