import { readdirSync, statSync } from 'node:fs'
import { join, sep } from 'node:path'
import { decodeClasses } from '../data/class_png.ts'
import { readBytes } from '../data/source_file.ts'
import { TuneError } from '../errors.ts'
import { countLabels, emptyConfusion, type Confusion } from './miou.ts'
import { readHeader } from './png_header.ts'

/** Label PNGs of both sides, in pairs of one name. */
export interface SemanticFiles {
  readonly truthDir: string
  readonly predictionDir: string
  /** Labels are 0 to `classes - 1`, or the ignored one. */
  readonly classes: number
  readonly ignore: number
}

/** Counts every PNG of the ground truth and of its folders; predictions for others are ignored. */
export function countFiles({ truthDir, predictionDir, classes, ignore }: SemanticFiles): Confusion {
  const names = pngsOf(truthDir, 'the ground truth')
  const predicted = new Set(pngsOf(predictionDir, 'the predictions'))
  // All pairs before the first pixel: a missing one is found at once, not after minutes.
  const missing = names.find((name) => !predicted.has(name))
  if (missing !== undefined) {
    throw new TuneError('data/invalid', `${join(truthDir, missing)} has no prediction: ${join(predictionDir, missing)} is not there`, { hint: 'predictions have the names of their ground truth' }) // prettier-ignore
  }
  for (const name of names) checkSizes(join(truthDir, name), join(predictionDir, name))
  const confusion = emptyConfusion(classes)
  for (const name of names) {
    const [truth, prediction] = [readClasses(join(truthDir, name)), readClasses(join(predictionDir, name))]
    countLabels(truth, prediction, ignore, confusion)
  }
  return confusion
}

function checkSizes(truth: string, prediction: string): void {
  const [expected, found] = [truth, prediction].map((file) => readHeader(file)?.size)
  if (expected === found || expected === undefined || found === undefined) return
  throw new TuneError('data/invalid', `${prediction} is ${found} pixels, ${truth} is ${expected}`, {
    hint: 'write predictions at the size of their ground truth',
  })
}

function readClasses(file: string) {
  return { name: file, labels: decodeClasses(readBytes(file, 'a label PNG'), file).classes }
}

/** Paths below a folder, with / between their parts, in order. */
function pngsOf(dir: string, what: string): readonly string[] {
  if (!statSync(dir, { throwIfNoEntry: false })?.isDirectory()) {
    throw new TuneError('data/missing', `${dir}: no such folder; the label PNGs of ${what} are expected there`)
  }
  const names = readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.toLowerCase().endsWith('.png'))
    .map((name) => name.replaceAll(sep, '/'))
    .toSorted()
  if (names.length > 0) return names
  throw new TuneError('data/missing', `${dir}: no PNG in it; the label PNGs of ${what} are expected there`)
}
