import { plainJoint, plainPack } from './plain_kernels.ts'
import { splitRuns } from './split_runs.ts'
import { wasmKernels, type WasmKernels } from './wasm_kernels.ts'

/** Which code does the inner loops. Both give the same bits. */
export type KernelName = 'plain' | 'simd'

/** The inner loops of scoring, on packed runs (`PackedRuns`). */
export interface Kernel {
  readonly name: KernelName
  /** Pixels by pair of labels, rows x columns; labels of `a` are below `rows`, of `b` below `columns`. */
  joint(a: Uint32Array, b: Uint32Array, rows: number, columns: number): Uint32Array
  /** The runs of fewer than 2^24 labels; `last` stands for itself and all above it. */
  pack(labels: Uint16Array, last: number): Uint32Array
}

/** The kernel of this name; without one WebAssembly SIMD where this machine has it, plain JavaScript elsewhere. */
export function kernelOf(name?: KernelName): Kernel {
  if (name === 'plain') return plain
  simd ??= openSimd() ?? 'missing'
  if (simd !== 'missing') return simd
  if (name === 'simd') throw new RangeError('this machine has no WebAssembly SIMD')
  return plain
}

const plain: Kernel = { name: 'plain', joint: plainJoint, pack: plainPack }
let simd: Kernel | 'missing' | undefined

const PAGE = 65_536
/** Labels packed at a time: they stay in the fastest cache. */
const CHUNK = 8192
/** Where a chunk lies in the module's memory, the label before it just below; and the first byte after it. */
const CHUNK_AT = 64
const HEAP = 64 * Math.ceil((CHUNK_AT + 2 * CHUNK) / 64 + 1)

function openSimd(): Kernel | undefined {
  const kernels = wasmKernels()
  if (!kernels) return undefined
  return {
    name: 'simd',
    joint(a, b, rows, columns) {
      const bins = rows * columns
      const aAt = HEAP + 4 * bins
      const bAt = aAt + 4 * a.length
      const words = reserve(kernels, bAt + 4 * b.length)
      const histogram = words.subarray(HEAP / 4, HEAP / 4 + bins).fill(0)
      words.set(a, aAt / 4)
      words.set(b, bAt / 4)
      const { i, j, reached, half, pixels } = splitRuns(a, b)
      kernels.joint(aAt, bAt, 0, reached, aAt + 4 * i, bAt + 4 * j, half, pixels, columns, HEAP)
      histogram[(a[i]! & 0xff) * columns + (b[j]! & 0xff)]! += half - reached
      return histogram.slice()
    },
    pack(labels, last) {
      let at = HEAP
      for (let from = 0; from < labels.length; from += CHUNK) {
        const chunk = labels.subarray(from, from + CHUNK)
        const end = CHUNK_AT + 32 * Math.ceil(chunk.length / 16)
        const memory = new Uint16Array(reserve(kernels, at + 4 * chunk.length).buffer)
        memory[CHUNK_AT / 2 - 1] = labels[Math.max(0, from - 1)]!
        memory.set(chunk, CHUNK_AT / 2)
        memory.fill(chunk.at(-1)!, CHUNK_AT / 2 + chunk.length, end / 2)
        at = kernels.pack(CHUNK_AT, end, from, at, last)
      }
      const words = reserve(kernels, at + 4)
      words[at / 4] = (labels.length << 8) | Math.min(labels.at(-1)!, last)
      return words.slice(HEAP / 4, at / 4 + 1)
    },
  }
}

/** The module's memory as words, at least so many bytes of it. */
function reserve({ memory }: WasmKernels, bytes: number): Uint32Array {
  const missing = bytes - memory.buffer.byteLength
  // Twice what is asked, so that it seldom grows.
  if (missing > 0) memory.grow(Math.ceil((bytes + missing) / PAGE))
  return new Uint32Array(memory.buffer)
}
