import { closeSync, openSync, readSync } from 'node:fs'
import { crc32 } from 'node:zlib'
import { readShared, writeWhole } from '../data/shared_file.ts'
import { TuneError } from '../errors.ts'
import { parsePredictionMeta, type ListedImage } from './prediction_meta.ts'
import { flawOf, runMap, widened, type RunMap } from './run_map.ts'
import type { ListedPrediction, PredictedImage } from './score_ids.ts'

/** Predictions for a set of images, by image id. */
export interface Predictions {
  readonly file: string
  readonly images: ReadonlyMap<number | string, PredictedRuns>
}

/** What is predicted for one image, as it was read: its runs fill it with labels of its segments. */
export interface PredictedRuns extends PredictedImage {
  readonly map: RunMap
}

/** What is predicted for one image: label n of the runs is `segments[n - 1]`, 0 is void. */
export interface PredictionRuns {
  readonly imageId: number | string
  readonly runs: RunMap
  /** With the category ids of the data set, as in COCO's JSON. */
  readonly segments: readonly ListedPrediction[]
}

/*
 * One file for all images, little-endian; python/panoptune_runs.py writes it, too:
 *
 *   0    'PQR1', u32 version, u64 length, u64 offset and u64 length of the meta, u32 crc32 of the meta, of the runs
 *   64   runs, image after image: a word each, the pixel it ends before x 256 + its label; where an image is wide
 *        (2^24 pixels or more, or more than 254 segments) a word each for the ends, then half a word for the labels
 *   ...  meta, JSON: {images: [{image_id, width, height, first, runs, wide, segments_info: [{id, category_id}]}]} with
 *        `first` in words after byte 64, segments ascending by id
 */
const MAGIC = 'PQR1'
const VERSION = 1
const RUNS_AT = 64

/** Whether a file begins as ours do; false where it is missing. */
export function isPredictionFile(file: string): boolean {
  const start = Buffer.alloc(4)
  try {
    const fd = openSync(file, 'r')
    try {
      readSync(fd, start)
    } finally {
      closeSync(fd)
    }
  } catch {
    return false
  }
  return start.toString('latin1') === MAGIC
}

/** Opens a file of predictions as runs. Throws `data/invalid` where it is cut short, altered or of another version. */
export function openPredictions(file: string): Predictions {
  const memory = readShared(file)
  if (!memory) throw new TuneError('data/missing', `${file}: no such file`, { hint: 'predictions as runs are expected there' }) // prettier-ignore
  const { meta, words } = checked(memory, file)
  const images = parsePredictionMeta(meta.toString(), file).map((listed) => viewImage(listed, words, file))
  return { file, images: new Map(images) }
}

/** Writes predictions so that a reader sees all of them or none. */
export function writePredictions(file: string, predictions: Iterable<PredictionRuns>): void {
  const images: object[] = []
  const parts: { at: number; bytes: Uint8Array }[] = []
  let [first, crc] = [0, 0]
  for (const { imageId, runs, segments } of predictions) {
    const { map, listed } = inOrderOfIds(imageId, runs, segments)
    const isWide = map.kind === 'wide'
    const count = isWide ? map.ends.length : map.runs.length
    const words = new Uint32Array(isWide ? count + Math.ceil(count / 2) : count)
    words.set(isWide ? map.ends : map.runs)
    if (isWide) new Uint16Array(words.buffer, 4 * count, count).set(map.labels)
    images.push({ image_id: imageId, width: map.width, height: map.height, first, runs: count, wide: isWide, segments_info: listed.map(({ id, categoryId }) => ({ id, category_id: categoryId })) }) // prettier-ignore
    const bytes = new Uint8Array(words.buffer)
    parts.push({ at: RUNS_AT + 4 * first, bytes })
    crc = crc32(bytes, crc)
    first += words.length
  }
  const meta = Buffer.from(JSON.stringify({ images }))
  const header = Buffer.alloc(RUNS_AT)
  const metaAt = RUNS_AT + 4 * first
  header.write(MAGIC, 0, 'latin1')
  header.writeUInt32LE(VERSION, 4)
  for (const [i, value] of [metaAt + meta.length, metaAt, meta.length].entries()) header.writeBigUInt64LE(BigInt(value), 8 + 8 * i) // prettier-ignore
  header.writeUInt32LE(crc32(meta), 32)
  header.writeUInt32LE(crc, 36)
  writeWhole(file, [{ at: 0, bytes: header }, ...parts, { at: metaAt, bytes: meta }])
}

function checked(memory: SharedArrayBuffer, file: string): { readonly meta: Buffer; readonly words: Uint32Array } {
  const header = Buffer.from(memory, 0, Math.min(RUNS_AT, memory.byteLength))
  if (header.toString('latin1', 0, 4) !== MAGIC) throw damaged(file, `it does not begin with ${MAGIC}`)
  if (header.length < RUNS_AT) throw damaged(file, `it ends after ${memory.byteLength} bytes`)
  const version = header.readUInt32LE(4)
  if (version !== VERSION) throw damaged(file, `it has version ${version}; this program reads version ${VERSION}`)
  const [length, metaAt, metaLength] = [8, 16, 24].map((at) => Number(header.readBigUInt64LE(at))) as [number, number, number] // prettier-ignore
  if (length !== memory.byteLength) throw damaged(file, `it has ${memory.byteLength} bytes, not ${length}`)
  const fits = metaAt >= RUNS_AT && metaAt % 4 === 0 && metaAt + metaLength === length
  if (!fits) throw damaged(file, `its meta of ${metaLength} bytes at ${metaAt} does not end with the file`)
  const meta = Buffer.from(memory, metaAt, metaLength)
  const words = new Uint32Array(memory, RUNS_AT, (metaAt - RUNS_AT) / 4)
  if (crc32(meta) !== header.readUInt32LE(32)) throw damaged(file, 'the checksum of its meta is wrong')
  const runs = new Uint8Array(memory, RUNS_AT, metaAt - RUNS_AT)
  if (crc32(runs) !== header.readUInt32LE(36)) throw damaged(file, 'the checksum of its runs is wrong')
  return { meta, words }
}

function viewImage(listed: ListedImage, all: Uint32Array, file: string): readonly [number | string, PredictedRuns] {
  const { imageId, width, height, first, runs, isWide, segments } = listed
  const end = first + runs + (isWide ? Math.ceil(runs / 2) : 0)
  if (end > all.length || runs === 0) {
    throw damaged(file, `image ${imageId} has runs ${first} to ${end}, of ${all.length} in all`)
  }
  const size = { width, height, levels: segments.length + 2 }
  const words = all.subarray(first, first + runs)
  const labels = () => new Uint16Array(all.buffer, all.byteOffset + 4 * (first + runs), runs)
  const map: RunMap = isWide ? { kind: 'wide', ...size, ends: words, labels: labels() } : { kind: 'packed', ...size, runs: words } // prettier-ignore
  const flaw = flawOf(map, segments.length)
  if (flaw !== undefined) throw damaged(file, `image ${imageId}: ${flaw}`)
  return [imageId, { map, segments, png: file, json: file }]
}

/** Labels in the order of ids, as readers expect them. */
function inOrderOfIds(imageId: number | string, map: RunMap, segments: readonly ListedPrediction[]) {
  const order = Array.from(segments.keys()).toSorted((a, b) => segments[a]!.id - segments[b]!.id)
  const listed = order.map((i) => segments[i]!)
  const wrong = listed.find(({ id }, i) => id <= (listed[i - 1]?.id ?? 0))
  if (wrong) {
    throw new TuneError('data/invalid', `image ${imageId}: segment id ${wrong.id} is listed twice or below 1`, {
      hint: 'give each segment of an image its own id from 1; 0 is void',
    })
  }
  if (order.every((place, i) => place === i)) return { map, listed }
  const labelOf = Uint16Array.of(0, ...segments.map((_, i) => order.indexOf(i) + 1), segments.length + 1)
  const { ends, labels } = widened(map)
  const relabelled = labels.map((label) => labelOf[label]!)
  return { map: runMap(map.width, map.height, map.levels, ends, relabelled), listed }
}

function damaged(file: string, what: string): TuneError {
  return new TuneError('data/invalid', `${file}: damaged predictions: ${what}`, {
    hint: 'write the file again, by writePredictions or python/panoptune_runs.py',
  })
}
