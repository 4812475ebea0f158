import { join } from 'node:path'
import type { Category, ImageSet } from '../data/image_set.ts'
import { evalImages, type Resize, type Size } from '../data/loader.ts'
import { DEFAULT_NORMALISATION, type Normalisation } from '../data/normalisation.ts'
import { readBytes } from '../data/source_file.ts'
import { TuneError } from '../errors.ts'
import { fingerprint } from '../json.ts'
import type { HeadOutputs } from './batch.ts'
import { headMaps, type DecodeOptions, type HeadMaps } from './decode.ts'
import { openModelFile, type ModelSession } from './engines/ort.ts'
import { floats, integers } from './engines/session.ts'
import { readMetadata } from './graph/onnx_metadata.ts'
import { readHeads, writeHeads } from './heads_file.ts'
import { resizeMaps } from './resize_maps.ts'
import type { NetworkContext } from './trained_network.ts'

/** A model as `tune export --onnx` writes it. */
export interface ExportedModelFile {
  readonly file: string
  readonly bytes: Uint8Array
  readonly categories: readonly Category[]
  /** How its outputs were made segments when it was exported. */
  readonly postprocessing: DecodeOptions
  /** What is built in. */
  readonly normalisation: Normalisation
  /** How images are resized before it sees them; undefined where it sees them as they are. */
  readonly resize: Resize | undefined
}

/** Reads such a file. Throws `model/invalid` where its metadata do not say what its outputs mean. */
export function readExported(file: string): ExportedModelFile {
  const bytes = readBytes(file, 'the exported model')
  const { categories, postprocessing, normalisation, resize } = readMetadata(bytes)
  if (categories === undefined || postprocessing === undefined) {
    throw new TuneError('model/invalid', `${file}: its metadata have no categories and no postprocessing`, {
      hint: 'write it by tune export --onnx',
    })
  }
  return {
    file,
    bytes,
    categories: parsed(file, categories) as readonly Category[],
    postprocessing: parsed(file, postprocessing) as DecodeOptions,
    normalisation: normalisation === undefined ? DEFAULT_NORMALISATION : (parsed(file, normalisation) as Normalisation),
    resize: resize === undefined ? undefined : (parsed(file, resize) as Resize),
  }
}

function parsed(file: string, json: string): unknown {
  try {
    return JSON.parse(json)
  } catch (cause) {
    throw new TuneError('model/invalid', `${file}: its metadata are damaged`, { cause, hint: 'export it again' })
  }
}

/**
 * What an exported model says about each image of a set, at the images' own sizes: all that post-processing needs of it.
 * Kept in the cache directory under the contents of both.
 */
export async function exportedOutputs(
  model: ExportedModelFile,
  set: ImageSet,
  { cacheDir, progress }: NetworkContext,
): Promise<readonly HeadMaps[]> {
  checkCategories(model, set)
  const kept = join(cacheDir, `onnx-${fingerprint(model.bytes).slice(0, 16)}-${set.id.slice(0, 16)}.heads`)
  const known = readHeads(kept, set)
  if (known) return known
  progress(`showing ${set.scenes.length} images to ${model.file}; what it says is kept for the next run`)
  const session = await openModelFile(model.bytes, model.file, { kind: 'cpu', index: 0, threads: 2 })
  try {
    const outputs = await showAll(model, session, set)
    writeHeads(kept, set, outputs)
    return outputs
  } finally {
    await session.close()
  }
}

/** A model's classes are its training set's, by their order. */
function checkCategories({ file, categories }: ExportedModelFile, set: ImageSet): void {
  const names = (all: readonly Category[]) => all.map(({ id, name, isThing }) => `${id} ${name} ${isThing ? 'thing' : 'stuff'}`) // prettier-ignore
  const [wanted, found] = [names(categories), names(set.categories)]
  const other = wanted.findIndex((name, i) => name !== found[i])
  if (other < 0 && wanted.length === found.length) return
  const at = Math.max(0, other)
  throw new TuneError('data/invalid', `the categories of the images are not those of ${file}: ${found[at] ?? 'none'} against ${wanted[at]}`, { hint: 'give the data set that it was trained on' }) // prettier-ignore
}

/** Pixels as they are, 0 to 255: to normalise them is built into the model. */
const RAW: Normalisation = { mean: [0, 0, 0], deviation: [1 / 255, 1 / 255, 1 / 255] }

async function showAll(model: ExportedModelFile, session: ModelSession, set: ImageSet): Promise<HeadMaps[]> {
  const batch = batchOf(model, session)
  const { resize } = model
  const maps: HeadMaps[] = []
  const shown = evalImages(set, undefined, {
    size: batch.size,
    multiple: 1,
    normalisation: RAW,
    ...(resize && { resize }),
  })
  for (const { images, height, width, scenes, indices } of shown) {
    if (height > batch.height || width > batch.width) throw tooLarge(model, { height, width }, batch)
    const outputs = await predict(session, padded(images, { height, width }, batch, model.normalisation), batch)
    for (const [place, scene] of scenes.entries()) {
      const { semantic, center, offset, ...size } = resizeMaps(headMaps(outputs, place, height, width), scene.height, scene.width) // prettier-ignore
      maps[indices[place]!] = { ...size, semantic: semantic.slice(), center: center.slice(), offset: offset.slice() }
    }
  }
  return maps
}

function batchOf({ file }: ExportedModelFile, session: ModelSession): BatchSize {
  const [size, channels, height, width] = session.shapeOf('images') ?? []
  if (size && channels === 3 && height && width) return { size, height, width }
  throw new TuneError('model/invalid', `${file}: its input is not N x 3 x H x W 'images' of a fixed size`, {
    hint: 'write it by tune export --onnx',
  })
}

function tooLarge({ file }: ExportedModelFile, image: Size, batch: Size): TuneError {
  return new TuneError('data/invalid', `an image has ${image.width}x${image.height} pixels, ${file} takes ${batch.width}x${batch.height}`, { hint: 'export it for the largest image: tune export --onnx --size HEIGHTxWIDTH' }) // prettier-ignore
}

type BatchSize = Pick<HeadOutputs, 'size' | 'height' | 'width'>

async function predict(session: ModelSession, images: Float32Array, batch: BatchSize): Promise<HeadOutputs> {
  const results = await session.run({ images })
  const pixels = batch.size * batch.height * batch.width
  // A network without instances finds none.
  const hasInstances = 'center' in results && 'offset' in results
  return {
    ...batch,
    semantic: integers(results, 'semantic'),
    center: hasInstances ? floats(results, 'center') : new Float32Array(pixels),
    offset: hasInstances ? floats(results, 'offset') : new Float32Array(2 * pixels),
  }
}

/** Images in the upper left of larger ones; what lies beside them is the mean, as in training. */
function padded(
  images: Float32Array,
  { height, width }: Size,
  batch: BatchSize,
  { mean }: Normalisation,
): Float32Array {
  const plane = batch.height * batch.width
  const larger = new Float32Array(batch.size * 3 * plane)
  for (let layer = 0; layer < 3 * batch.size; layer++) {
    larger.fill(255 * mean[layer % 3]!, layer * plane, (layer + 1) * plane)
    for (let y = 0; y < height; y++) {
      const from = (layer * height + y) * width
      if (from < images.length) larger.set(images.subarray(from, from + width), layer * plane + y * batch.width)
    }
  }
  return larger
}
