import { normalisationFor, type Normalisation } from '../data/normalisation.ts'
import { TuneError } from '../errors.ts'
import { stream } from '../rng.ts'
import { openSession } from './engines/open.ts'
import { floats, integers, type Results } from './engines/session.ts'
import { bindConstants } from './graph/bind.ts'
import { constant, type Graph, type Tensor } from './graph/graph.ts'
import * as onnx from './graph/onnx.ts'
import { live } from './graph/live.ts'
import { onnxFile } from './graph/onnx_file.ts'
import { decodeDefaults, scaledDecoding } from './decode.ts'
import { headsGraph, openPredictor } from './predictor.ts'
import { openCheckpoint, type Trained } from './starts.ts'
import { keptBy, networkOf } from './train_state.ts'
import { version } from '../version.ts'

export interface ExportOptions {
  /** Size of the images that the model will take. Default: that of most of its training images. */
  readonly height?: number
  readonly width?: number
  /** Images at a time. Default 1. */
  readonly batch?: number
}

/** A model for any ONNX runtime, and how it compares with what it was made of. */
export interface ExportedModel {
  readonly file: Uint8Array
  readonly height: number
  readonly width: number
  /** On random images: the part of all pixels with another class, and the greatest differences of heat and of offsets. */
  readonly differences: { readonly classes: number; readonly center: number; readonly offset: number }
  /** What scoring in training did with images and the model does not: to score alike, whoever runs it has to. */
  readonly notes: readonly string[]
}

/**
 * Makes a standard .onnx file (opset 18) of a checkpoint. It takes `images`, N x 3 x H x W float32 of 0 to 255, RGB, and
 * gives what `HeadOutputs` holds: `semantic` (int32), `center`, and `offset` in pixels. Its metadata say the categories,
 * the post-processing, how images are resized for it, and the normalisation that is built in. Throws `checkpoint/invalid`
 * where its outputs are not those of the network in training.
 */
export async function exportOnnx(checkpoint: string, options: ExportOptions = {}): Promise<ExportedModel> {
  const trained = openCheckpoint(checkpoint)
  const { height = trained.about.imageSize[0], width = trained.about.imageSize[1], batch = 1 } = options
  const kept = keptBy(trained.state, networkOf(trained.model))
  const normalisation = normalisationOf(trained)
  const graph = headsGraph(trained.model, batch, height, width, (images) => normalized(images, normalisation))
  bindConstants(graph, kept.weights)
  bindConstants(graph, kept.buffers, 'buffers')
  const differences = await compare(trained, graph, normalisation, { height, width, batch })
  if (
    !(differences.classes < 0.01 && differences.center < 0.01 && differences.offset < 0.01 * Math.max(height, width))
  ) {
    throw new TuneError(
      'checkpoint/invalid',
      `${checkpoint}: the exported model differs: ${JSON.stringify(differences)}`,
    )
  }
  const file = onnxFile(live(graph), metadataOf(trained, normalisation, height, width))
  return { file, height, width, differences, notes: notesOf(trained) }
}

function notesOf({ about: { normalisation, resize } }: Trained): readonly string[] {
  const domains = 'domains' in normalisation ? Object.keys(normalisation.domains).length : 1
  const longest = resize?.long === undefined ? '' : `, of at most ${resize.long} pixels on the longer one`
  return [
    ...(domains > 1 ? [`it normalises all images alike; in training each of ${domains} domains was by itself`] : []),
    ...(resize
      ? [`it was scored on images of ${resize.short} pixels on the shorter side${longest}: resize them so`]
      : []),
  ]
}

/** One normalisation is built in; those of several domains cannot be told apart by a model. */
function normalisationOf({ about }: Trained): Normalisation {
  return normalisationFor({ file: '' }, about.normalisation)
}

/** (x / 255 - mean) / deviation, channel by channel. */
function normalized(images: Tensor, { mean, deviation }: Normalisation): Tensor {
  const factors = deviation.map((one) => 1 / (255 * one))
  const shifts = deviation.map((one, channel) => -mean[channel]! / one)
  const perChannel = (values: readonly number[]) => constant(images.graph, [1, 3, 1, 1], values)
  return onnx.add(onnx.mul(images, perChannel(factors)), perChannel(shifts))
}

function metadataOf(
  { about, model }: Trained,
  normalisation: Normalisation,
  height: number,
  width: number,
): Readonly<Record<string, string>> {
  const decode = decodeDefaults({ ...scaledDecoding(height, width, about.instanceSide ?? undefined), ...about.decode })
  return {
    panoptune: version(),
    categories: JSON.stringify(about.categories),
    postprocessing: JSON.stringify(decode),
    model: JSON.stringify(model.config),
    normalisation: JSON.stringify(normalisation),
    ...(about.resize && { resize: JSON.stringify(about.resize) }),
    input: 'images: N x 3 x H x W float32, RGB, 0 to 255',
    outputs: 'semantic: class index, N x H x W; center: heat, N x 1 x H x W; offset: (dy, dx) in pixels, N x 2 x H x W',
  }
}

async function compare(
  { model, state }: Trained,
  exported: Graph,
  { mean, deviation }: Normalisation,
  { height, width, batch }: { readonly height: number; readonly width: number; readonly batch: number },
): Promise<ExportedModel['differences']> {
  const device = { kind: 'cpu', index: 0, threads: 1 } as const
  const kept = keptBy(state, networkOf(model))
  const rng = stream(0, 'export')
  const images = Float32Array.from({ length: batch * 3 * height * width }, () => rng.below(256))
  const plane = height * width
  const prepared = images.map((value, i) => {
    const channel = Math.floor(i / plane) % 3
    return (value / 255 - mean[channel]!) / deviation[channel]!
  })
  const predictor = await openPredictor({ model, height, width, batch, device }, () => kept)
  const session = await openSession(exported, device)
  try {
    const expected = await predictor.predict(prepared, batch)
    const results = await session.run({ images })
    const classes = integers(results, 'semantic')
    const wrong = classes.reduce((sum, value, i) => sum + Number(value !== expected.semantic[i]), 0)
    return {
      classes: wrong / classes.length,
      center: greatestDifference(results, 'center', expected.center),
      offset: greatestDifference(results, 'offset', expected.offset),
    }
  } finally {
    await session.close()
    await predictor.close()
  }
}

function greatestDifference(results: Results, name: string, expected: Float32Array): number {
  if (!(name in results)) return 0
  return floats(results, name).reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i]!)), 0)
}
