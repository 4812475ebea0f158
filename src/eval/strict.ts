import type { Category } from '../data/image_set.ts'
import type { PanopticAnnotation, PanopticJson } from '../data/coco_json.ts'
import { reservedId } from './boundary.ts'
import { categoryMismatch } from './category_mismatch.ts'
import type { Finding } from './finding.ts'
import { idAreas, openPairs, type OpenPair, type OpenPairs } from './open_pairs.ts'
import { lastById } from './panoptic_json.ts'
import type { PanopticFiles, ScoredFiles } from './panoptic_files.ts'

/**
 * Everything in these files that makes their score mean something else than it seems to: what panopticapi accepts without
 * a word, and what it stops at, all at once instead of the first. Looks at every pixel of both sides; scores nothing.
 */
export function strictFindings(files: PanopticFiles, { boundary = false } = {}): readonly Finding[] {
  const open = openPairs(files)
  const { truthJson, predictionJson } = files
  const { categories } = open.truth
  const truths = open.truth.annotations
  const inJson = [
    ...repeated(categories.map(({ id }) => id)).map((id): Finding => ({ kind: 'duplicate', file: truthJson, message: `category ${id} is listed twice; the last counts` })), // prettier-ignore
    ...listFindings(open.truth, truthJson),
    ...listFindings(open.prediction, predictionJson),
    ...truths.flatMap((annotation) => segmentFindings(annotation, truthJson, categories, boundary)),
    ...truths.flatMap((annotation) => crowdFindings(annotation, truthJson)),
    ...open.prediction.annotations.flatMap((annotation) => segmentFindings(annotation, predictionJson, categories, boundary)), // prettier-ignore
    ...unpaired(open, files),
  ]
  const inPixels = open.pairs.flatMap((pair) => pixelFindings(pair(), files))
  // Some hundred images show it, and their PNGs are decoded once more.
  const mismatch = categoryMismatch({ ...open, pairs: open.pairs.slice(0, 200) }, predictionJson)
  return [...inJson, ...inPixels, ...(mismatch ? [mismatch] : [])]
}

/** Sums of IoUs that no right input gives: not finite, or above 1 a match. */
export function countsFindings({ categories, images }: ScoredFiles, file: string): readonly Finding[] {
  return images.flatMap(({ imageId, counts: { iou, tp } }) =>
    categories.flatMap(({ id }, c): readonly Finding[] => {
      const [sum, matches] = [iou[c]!, tp[c]!]
      // The sum of rounded IoUs of 1 is no finding.
      if (sum <= matches * (1 + 1e-9)) return []
      const message = `the IoUs of ${matches} matches of category ${id} add up to ${sum}`
      return [{ kind: 'not-finite', file, image: imageId, message }]
    }),
  )
}

function listFindings({ annotations }: PanopticJson, file: string): readonly Finding[] {
  return repeated(annotations.map(({ imageId }) => imageId)).map((image) => {
    return { kind: 'duplicate', file, image, message: 'the image has two annotations; of predictions the last counts' }
  })
}

function segmentFindings(
  { imageId, segments }: PanopticAnnotation,
  file: string,
  categories: readonly Category[],
  boundary: boolean,
): readonly Finding[] {
  const defined = new Set(categories.map(({ id }) => id))
  const reserved = reservedId(categories)
  const found = (kind: Finding['kind'], segment: number, message: string): Finding => ({ kind, file, image: imageId, segment, message }) // prettier-ignore
  const findings = segments.flatMap(({ id, categoryId }) => [
    ...(id === 0
      ? [found('id-zero', id, `id 0 is listed, as category ${categoryId}, but pixels of id 0 are void`)]
      : []),
    ...(defined.has(categoryId) ? [] : [found('category-unknown', id, `category ${categoryId} is not defined; those are ${some([...defined])}`)]), // prettier-ignore
    ...(boundary && id === reserved ? [found('id-reserved', id, `boundary-iou-api needs the id ${reserved}, one above the largest category, for the insides of segments`)] : []), // prettier-ignore
  ])
  const twice = repeated(segments.map(({ id }) => id)).map((id) => {
    const all = segments.filter((segment) => segment.id === id).map(({ categoryId }) => categoryId)
    return found('duplicate', id, `the id is listed ${all.length} times, with categories ${all.join(', ')}; the last counts`) // prettier-ignore
  })
  return [...findings, ...twice]
}

function crowdFindings({ imageId, segments }: PanopticAnnotation, file: string): readonly Finding[] {
  const crowds = segments.filter(({ isCrowd }) => isCrowd)
  return repeated(crowds.map(({ categoryId }) => categoryId)).map((category) => {
    const ids = crowds.filter(({ categoryId }) => categoryId === category).map(({ id }) => id)
    const message = `segments ${ids.join(', ')} are all crowds of category ${category}; only ${ids.at(-1)} excuses predictions`
    return { kind: 'crowds', file, image: imageId, message }
  })
}

/** Images that only one side has. */
function unpaired({ truth, prediction }: OpenPairs, { truthJson, predictionJson }: PanopticFiles): readonly Finding[] {
  const [truths, predicted] = [truth, prediction].map((side) => new Set(side.annotations.map(({ imageId }) => imageId)))
  const texts = new Set([...predicted!].map(String))
  const missing = [...truths!].filter((id) => !predicted!.has(id))
  const extra = [...predicted!].filter((id) => !truths!.has(id))
  return [
    ...missing.map((image): Finding => {
      const other = texts.has(String(image)) ? `, but one whose id is a ${typeof image === 'string' ? 'number' : 'text'}` : '' // prettier-ignore
      return { kind: 'missing', file: predictionJson, image, message: `there is no prediction${other}` }
    }),
    ...extra.map((image): Finding => {
      return {
        kind: 'extra',
        file: predictionJson,
        image,
        message: `it is predicted, but not in ${truthJson}: ignored`,
      }
    }),
  ]
}

function pixelFindings(pair: OpenPair, { truthJson, predictionJson }: PanopticFiles): readonly Finding[] {
  const { imageId: image, truth, prediction } = pair
  const sizes = [truth.map, prediction.map].map(({ width, height }) => `${width}x${height}`)
  const broadcasts = [[truth.map.width, prediction.map.width], [truth.map.height, prediction.map.height]].every(([a, b]) => a === b || a === 1 || b === 1) // prettier-ignore
  const note = broadcasts ? ', which numpy stretches without a word' : ''
  const message = `it is ${sizes[1]} pixels, ${truth.png} is ${sizes[0]}${note}`
  const size: readonly Finding[] = sizes[0] === sizes[1] ? [] : [{ kind: 'size', file: prediction.png, image, message }]
  const areas = idAreas(truth.map)
  const wrong = lastById(truth.segments).flatMap(({ id, area }): readonly Finding[] => {
    const pixels = areas.get(id) ?? 0
    if (pixels === 0 || area === undefined || area === pixels) return []
    return [{ kind: 'area', file: truthJson, image, segment: id, message: `area is ${area}, but ${truth.png} has ${pixels} pixels of it` }] // prettier-ignore
  })
  return [
    ...size,
    ...wrong,
    ...listing(areas, truth, truthJson, image),
    ...listing(idAreas(prediction.map), prediction, predictionJson, image),
  ]
}

function listing(
  areas: ReadonlyMap<number, number>,
  { segments, png }: OpenPair['truth'],
  json: string,
  image: number | string,
): readonly Finding[] {
  const listed = new Set(segments.map(({ id }) => id))
  const unlisted = [...areas].filter(([id]) => id !== 0 && !listed.has(id))
  const unseen = [...listed].filter((id) => !areas.has(id))
  return [
    ...unlisted.map(([segment, area]): Finding => {
      return {
        kind: 'unlisted',
        file: png,
        image,
        segment,
        message: `it has ${area} pixels, but ${json} does not list it`,
      }
    }),
    ...unseen.map((segment): Finding => {
      return { kind: 'no-pixels', file: json, image, segment, message: `it is listed, but ${png} has 0 pixels of it` }
    }),
  ]
}

function repeated<T>(values: readonly T[]): readonly T[] {
  return [...new Set(values.filter((value, i) => values.indexOf(value) !== i))]
}

function some(ids: readonly number[]): string {
  return ids.length > 12 ? `${ids.slice(0, 12).join(', ')}, ...` : ids.join(', ')
}
