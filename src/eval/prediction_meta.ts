import { messageOf, TuneError } from '../errors.ts'
import { found } from '../json.ts'
import type { ListedPrediction } from './score_ids.ts'

/** An image of a prediction file, as its meta lists it. */
export interface ListedImage {
  readonly imageId: number | string
  readonly width: number
  readonly height: number
  /** Its first word. */
  readonly first: number
  readonly runs: number
  readonly isWide: boolean
  /** Ascending by id. */
  readonly segments: readonly ListedPrediction[]
}

/** Parses the meta of a prediction file. Throws `data/invalid` with the first value that is not as it should be. */
export function parsePredictionMeta(text: string, file: string): readonly ListedImage[] {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (error) {
    throw new TuneError('data/invalid', `${file}: its meta is not JSON: ${messageOf(error)}`, { cause: error })
  }
  const { images } = recordOf(json, file, 'the meta')
  const parsed = listOf(images, file, 'images').map((image, i) => parseImage(image, file, `images[${i}]`))
  const ids = new Set(parsed.map(({ imageId }) => imageId))
  if (ids.size < parsed.length) throw wrong(file, 'images', 'lists an image twice', 'one entry an image')
  return parsed
}

function parseImage(value: unknown, file: string, path: string): ListedImage {
  const { image_id: imageId, width, height, first, runs, wide, segments_info: listed } = recordOf(value, file, path)
  if (typeof imageId !== 'string' && !Number.isSafeInteger(imageId)) throw wrong(file, `${path}.image_id`, imageId, 'a whole number or a string') // prettier-ignore
  if (typeof wide !== 'boolean') throw wrong(file, `${path}.wide`, wide, 'true or false')
  const segments = listOf(listed, file, `${path}.segments_info`).map((segment, i): ListedPrediction => {
    const { id, category_id: category } = recordOf(segment, file, `${path}.segments_info[${i}]`)
    const at = `${path}.segments_info[${i}]`
    return { id: wholeOf(id, file, `${at}.id`, 1), categoryId: wholeOf(category, file, `${at}.category_id`) }
  })
  const falling = segments.findIndex(({ id }, i) => i > 0 && id <= segments[i - 1]!.id)
  if (falling > 0) throw wrong(file, `${path}.segments_info[${falling}].id`, segments[falling]!.id, 'ids in ascending order') // prettier-ignore
  if (!wide && segments.length > 254) throw wrong(file, `${path}.wide`, wide, 'true for more than 254 segments')
  return {
    imageId: imageId as number | string,
    width: wholeOf(width, file, `${path}.width`, 1),
    height: wholeOf(height, file, `${path}.height`, 1),
    first: wholeOf(first, file, `${path}.first`, 0),
    runs: wholeOf(runs, file, `${path}.runs`, 1),
    isWide: wide,
    segments,
  }
}

function recordOf(value: unknown, file: string, path: string): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  throw wrong(file, path, value, 'an object')
}

function listOf(value: unknown, file: string, path: string): readonly unknown[] {
  if (Array.isArray(value)) return value
  throw wrong(file, path, value, 'a list')
}

function wholeOf(value: unknown, file: string, path: string, least = -Infinity): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= least) return value
  throw wrong(file, path, value, least === -Infinity ? 'a whole number' : `a whole number from ${least}`)
}

function wrong(file: string, path: string, value: unknown, expected: string): TuneError {
  return new TuneError('data/invalid', `${file}: ${path} is ${found(value)}; expected ${expected}`, {
    hint: 'write the file by writePredictions or python/panoptune_runs.py',
  })
}
