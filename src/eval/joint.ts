import { kernelOf, type Kernel } from './kernel.ts'
import { isPackable, runMap, widened, type RunMap } from './run_map.ts'
import type { JointHistogram } from './segments.ts'

/** Pixels by pair of labels of two maps of the same size, by the kernel that this machine is best at unless told. */
export function jointOfRuns(truth: RunMap, prediction: RunMap, kernel: Kernel = kernelOf()): JointHistogram {
  const columns = prediction.levels
  if (truth.kind === 'packed' && prediction.kind === 'packed') {
    return { pixels: kernel.joint(truth.runs, prediction.runs, truth.levels, columns), columns }
  }
  const pixels = new Uint32Array(truth.levels * columns)
  const [a, b] = [widened(truth), widened(prediction)]
  for (let i = 0, j = 0, from = 0; i < a.ends.length && j < b.ends.length;) {
    const [aEnd, bEnd] = [a.ends[i]!, b.ends[j]!]
    const end = Math.min(aEnd, bEnd)
    pixels[a.labels[i]! * columns + b.labels[j]!]! += end - from
    from = end
    if (aEnd === end) i++
    if (bEnd === end) j++
  }
  return { pixels, columns }
}

/** The runs of a dense label map, row by row; labels of `levels - 1` and above become that. */
export function runsOfLabels(
  labels: Uint16Array,
  { width, height, levels }: Pick<RunMap, 'width' | 'height' | 'levels'>,
  kernel: Kernel = kernelOf(),
): RunMap {
  if (isPackable(labels.length, levels)) {
    return { kind: 'packed', width, height, levels, runs: kernel.pack(labels, levels - 1) }
  }
  let count = 0
  for (let i = 0; i < labels.length; i++) if (labels[i] !== labels[i + 1]) count++
  const [ends, runs] = [new Uint32Array(count), new Uint16Array(count)]
  for (let i = 0, to = 0; i < labels.length; i++) {
    if (labels[i] === labels[i + 1]) continue
    ends[to] = i + 1
    runs[to++] = Math.min(labels[i]!, levels - 1)
  }
  return runMap(width, height, levels, ends, runs)
}
