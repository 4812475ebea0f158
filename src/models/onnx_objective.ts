import { openImageSet } from '../data/open.ts'
import { splitsDir } from '../data/splits.ts'
import type { Objective, PrepareContext } from '../study.ts'
import type { DecodeOptions } from './decode.ts'
import { exportedOutputs, readExported } from './exported_model.ts'
import { openPostprocessing, type PostprocessingScorer } from './postprocessing.ts'
import type { Scores } from './score.ts'

/** An exported model, and the images to score it on. */
export interface OnnxSource {
  /** What `tune export --onnx` wrote. */
  readonly model: string
  /** `shapes`, or a directory in the COCO panoptic format, with the categories that the model was trained on. */
  readonly data: string
  /** Default `val`. */
  readonly split?: string
  /** Side of the generated scenes, in pixels. Default 64. */
  readonly size?: number
}

/** What such a study prepares: the model's outputs, gathered by what post-processing cannot change. */
export interface PreparedModel {
  readonly scorer: PostprocessingScorer
  /** What is not searched stays as it was exported. */
  readonly postprocessing: DecodeOptions
}

/**
 * An objective that evaluates an exported model with the post-processing that params say, and trains nothing. The model
 * sees each image once a study; a trial takes milliseconds. It has a `prepare` of its own, and runs inline.
 *
 *     settings: { model: 'best.onnx', data: 'data/coco' },
 *     space: { threshold: uniform(0, 0.8), reach: int(1, 20) },
 *     objective: onnx((settings) => settings, ({ threshold, reach }) => ({ threshold, nmsKernel: 2 * reach + 1 })),
 *
 * `decoding` may also give a function of an image's height and width.
 */
export function onnx<P, X>(
  sourceOf: (settings: X) => OnnxSource,
  decoding: (params: P) => DecodeOptions | ((height: number, width: number) => DecodeOptions),
): Objective<P, Scores, X, PreparedModel> {
  const objective: Objective<P, Scores, X, PreparedModel> = async function* objective(params, { data, dir }) {
    const chosen = decoding(params)
    const decodingOf = (height: number, width: number) => ({
      ...data.postprocessing,
      ...(typeof chosen === 'function' ? chosen(height, width) : chosen),
    })
    yield data.scorer.score(decodingOf, { dir, name: 'val' })
  }
  const prepare = ({ settings, ...context }: PrepareContext<X>) => openExported(sourceOf(settings), context)
  return Object.assign(objective, { executor: 'inline' as const, prepare })
}

async function openExported(
  { model, data, split = 'val', size }: OnnxSource,
  { cacheDir, progress }: Omit<PrepareContext, 'settings'>,
): Promise<PreparedModel> {
  const exported = readExported(model)
  const dir = await splitsDir({ data, cacheDir, progress, ...(size !== undefined && { size }) })
  const set = await openImageSet({ dir, split, cacheDir, progress })
  const outputs = await exportedOutputs(exported, set, { cacheDir, progress })
  return { scorer: openPostprocessing(set, outputs), postprocessing: exported.postprocessing }
}
