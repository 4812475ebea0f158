import { Command } from 'commander'
import { TuneError } from '../errors.ts'
import { semanticQuality, type SemanticQuality } from '../eval/miou.ts'
import { countFiles } from '../eval/semantic_files.ts'
import { percent, writeReport } from './eval_output.ts'
import { table } from './format.ts'
import { natural, positive } from './options.ts'

interface SemanticOptions {
  readonly gt?: string
  readonly pred?: string
  readonly classes?: number
  readonly ignore: number
  readonly perClass?: true
  readonly json?: true
  readonly out?: string
}

/** `tune eval semantic`: mIoU of label PNGs. `print` takes what goes to stdout. */
export function semanticCommand(print: (text: string) => void): Command {
  return new Command('semantic')
    .description("mIoU of label PNGs, by detectron2's convention and by Panoptic-DeepLab's")
    .option('--gt <dir>', 'label PNGs of the ground truth: grayscale, or indices of a palette')
    .option('--pred <dir>', 'predicted label PNGs of the same names')
    .option('--classes <n>', 'labels are 0 to n - 1', positive)
    .option('--ignore <label>', 'the label of pixels that do not count', natural, 255)
    .option('--per-class', 'a row for each class')
    .option('--json', 'print JSON, as fractions')
    .option('--out <file>', 'write that JSON to a file, too')
    .action((options: SemanticOptions) => print(evalSemantic(options)))
}

function evalSemantic({ gt, pred, classes, ignore, perClass, json, out }: SemanticOptions): string {
  const quality = semanticQuality(
    countFiles({
      truthDir: needed('--gt DIR', gt),
      predictionDir: needed('--pred DIR', pred),
      classes: needed('--classes N', classes),
      ignore,
    }),
  )
  if (out !== undefined) writeReport(out, quality)
  if (json) return `${JSON.stringify(quality)}\n`
  const parts = [conventionTable(quality), ...(perClass ? [classTable(quality)] : []), ...notes(quality)]
  return `${parts.join('\n\n')}\n`
}

function needed<T>(option: string, value: T | undefined): T {
  if (value !== undefined) return value
  throw new TuneError('usage', `tune eval semantic needs ${option}`, {
    hint: 'tune eval semantic --gt DIR --pred DIR --classes 19 --ignore 255',
  })
}

function conventionTable({ detectron2, panoptic_deeplab: deeplab }: SemanticQuality): string {
  const { mIoU, fwIoU, mACC, pACC } = detectron2
  return table(
    ['convention', 'mIoU', 'fwIoU', 'mACC', 'pACC'],
    [
      ['detectron2: classes in the ground truth', ...[mIoU, fwIoU, mACC, pACC].map(percent)],
      ['Panoptic-DeepLab: predicted classes, too', percent(deeplab.mIoU)],
    ],
  )
}

function classTable({ per_class_iou: ious }: SemanticQuality): string {
  return table(
    ['class', 'IoU'],
    ious.map((iou, index) => [String(index), percent(iou)]),
  )
}

function notes({ unpredicted_pixels: pixels }: SemanticQuality): readonly string[] {
  return pixels === 0 ? [] : [`${pixels} pixels are predicted as ignored: both conventions leave them out`]
}
