import { Command, InvalidArgumentError, Option } from 'commander'
import { TuneError } from '../errors.ts'
import { averagePrecision, statNames, type InstanceQuality } from '../eval/ap.ts'
import { readInstances, type InstanceFiles, type IouType } from '../eval/instances_json.ts'
import { percent, writeReport } from './eval_output.ts'
import { table } from './format.ts'

interface InstancesOptions {
  readonly gt?: string
  readonly pred?: string
  readonly iou: IouType
  readonly maxDets: readonly number[]
  readonly perClass?: true
  readonly json?: true
  readonly out?: string
}

/** `tune eval instances`: AP of masks or boxes. `print` takes what goes to stdout. */
export function instancesCommand(print: (text: string) => void): Command {
  return new Command('instances')
    .description('AP of instance masks or boxes, to the digit as pycocotools computes it')
    .option('--gt <file>', 'ground truth, a COCO instances JSON')
    .option('--pred <file>', 'detections, a COCO results JSON')
    .addOption(new Option('--iou <type>', 'compare masks or boxes').choices(['segm', 'bbox']).default('segm'))
    .option('--max-dets <list>', 'how many of the best detections count', limits, [1, 10, 100])
    .option('--per-class', 'a row for each class')
    .option('--json', 'print JSON, as fractions')
    .option('--out <file>', 'write that JSON to a file, too')
    .action((options: InstancesOptions) => print(evalInstances(options)))
}

function evalInstances({ gt, pred, iou, maxDets, perClass, json, out }: InstancesOptions): string {
  const files = readInstances(needed('gt', gt), needed('pred', pred), iou)
  const quality = averagePrecision(files, { maxDets })
  if (out !== undefined) writeReport(out, quality)
  if (json) return `${JSON.stringify(quality)}\n`
  const names = statNames(iou, maxDets)
  const scores = table(
    ['', '%'],
    names.map((name, i) => [name, percent(quality.stats[i]!)]),
  )
  const parts = [scores, ...(perClass ? [classTable(quality, files)] : []), ...notes(files)]
  return `${parts.join('\n\n')}\n`
}

/** Three numbers or more: COCO's scores are of the first, the second and the third. */
function limits(text: string): readonly number[] {
  const numbers = text.split(',').map(Number)
  if (numbers.length >= 3 && numbers.every((n) => Number.isSafeInteger(n) && n >= 1)) return numbers
  throw new InvalidArgumentError('Three whole numbers from 1 are needed, as in 1,10,100.')
}

function needed(name: string, value: string | undefined): string {
  if (value !== undefined) return value
  throw new TuneError('usage', `tune eval instances needs --${name} FILE`, {
    hint: 'tune eval instances --gt gt.json --pred dt.json --iou segm',
  })
}

function classTable({ per_category: scores }: InstanceQuality, { classes }: InstanceFiles): string {
  const rows = classes.map(({ id, name }) => {
    const { AP, AP50, AP75, AR } = scores[id]!
    return [name, ...[AP, AP50, AP75, AR].map(percent)]
  })
  return table(['class', 'AP', 'AP-50', 'AP-75', 'AR'], rows)
}

function notes({ strays }: InstanceFiles): readonly string[] {
  return strays === 0 ? [] : [`${strays} detections of categories that the ground truth does not define are ignored`]
}
