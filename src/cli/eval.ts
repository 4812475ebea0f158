import { writeFileSync } from 'node:fs'
import { Command } from 'commander'
import { messageOf, TuneError } from '../errors.ts'
import type { Category } from '../data/image_set.ts'
import { scoreFiles, type ScoredFiles } from '../eval/panoptic_files.ts'
import { emptyCounts, merge, panopticQuality, type PanopticQuality } from '../eval/pq.ts'
import { table } from './format.ts'

interface PanopticOptions {
  readonly gt?: string
  readonly gtDir?: string
  readonly pred?: string
  readonly predDir?: string
  readonly json?: true
  readonly perClass?: true
  readonly out?: string
}

/** `tune eval`: scores of predictions in files, without a study. `print` takes what goes to stdout. */
export function evalCommand(print = (text: string): void => void process.stdout.write(text)): Command {
  const command = new Command('eval').description('score predictions as the papers do')
  command
    .command('panoptic')
    .description('panoptic quality, to the digit as panopticapi computes it')
    .option('--gt_json_file, --gt <file>', 'ground truth, a COCO panoptic JSON')
    .option('--gt_folder, --gt-dir <dir>', 'its label PNGs (default: the JSON without .json)')
    .option('--pred_json_file, --pred <file>', 'predictions, a COCO panoptic JSON')
    .option('--pred_folder, --pred-dir <dir>', 'their label PNGs (default: the JSON without .json)')
    .option('--per-class', 'a row for each class')
    .option('--json', 'print JSON, as fractions')
    .option('--out <file>', 'write that JSON to a file, too')
    .action(async (options: PanopticOptions) => print(await evalPanoptic(options)))
  return command
}

async function evalPanoptic({ gt, gtDir, pred, predDir, json, perClass, out }: PanopticOptions): Promise<string> {
  const truthJson = needed('gt', gt)
  const predictionJson = needed('pred', pred)
  const scored = await scoreFiles({
    truthJson,
    truthDir: gtDir ?? folderOf(truthJson),
    predictionJson,
    predictionDir: predDir ?? folderOf(predictionJson),
  })
  const quality = qualityOf(scored)
  if (out !== undefined) writeReport(out, quality)
  if (json) return `${JSON.stringify(quality)}\n`
  const tables = [splitTable(quality), ...(perClass ? [classTable(quality, scored.categories)] : [])]
  return `${tables.join('\n\n')}\n`
}

function needed(name: string, value: string | undefined): string {
  if (value !== undefined) return value
  throw new TuneError('usage', `tune eval panoptic needs --${name} FILE`, {
    hint: 'tune eval panoptic --gt gt.json --gt-dir DIR --pred pred.json --pred-dir DIR',
  })
}

function folderOf(json: string): string {
  return json.replace(/\.json$/, '')
}

function qualityOf({ categories, images }: ScoredFiles): PanopticQuality {
  const total = images.map(({ counts }) => counts).reduce(merge, emptyCounts(categories))
  return panopticQuality(total, categories)
}

function writeReport(file: string, quality: PanopticQuality): void {
  try {
    writeFileSync(file, `${JSON.stringify(quality, undefined, 2)}\n`)
  } catch (cause) {
    throw new TuneError('results/unwritable', `${file}: cannot be written (${messageOf(cause)})`, { cause })
  }
}

function splitTable(quality: PanopticQuality): string {
  const rows = (['All', 'Things', 'Stuff'] as const).map((name) => {
    const { pq, sq, rq, n } = quality[name]
    return [name, ...[pq, sq, rq].map(percent), String(n)]
  })
  return table(['', 'PQ', 'SQ', 'RQ', 'N'], rows)
}

function classTable({ per_class: classes }: PanopticQuality, categories: readonly Category[]): string {
  const rows = categories.map(({ id, name }) => {
    const { pq, sq, rq, tp, fp, fn } = classes[id]!
    const scores = tp + fp + fn > 0 ? [pq, sq, rq] : [null, null, null]
    return [shortened(name), ...scores.map(percent), ...[tp, fp, fn].map(String)]
  })
  return table(['class', 'PQ', 'SQ', 'RQ', 'TP', 'FP', 'FN'], rows)
}

/** In percent as papers print it; a dash where no class occurs. */
function percent(score: number | null): string {
  return score === null ? '-' : (100 * score).toFixed(1)
}

/** Short enough for the row to fit into 60 columns with counts of five digits. */
function shortened(name: string): string {
  return name.length > 18 ? `${name.slice(0, 15)}...` : name
}
