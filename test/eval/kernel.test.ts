import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { kernelOf } from '../../src/eval/kernel.ts'
import { wasmKernels } from '../../src/eval/wasm_kernels.ts'

/** Label maps in runs of any length, some longer than what is packed at a time. */
const labelMaps = fc
  .array(
    fc.tuple(
      fc.nat(254),
      fc.oneof(
        { weight: 9, arbitrary: fc.integer({ min: 1, max: 40 }) },
        { weight: 1, arbitrary: fc.integer({ min: 1, max: 20_000 }) },
      ),
    ),
    { minLength: 1, maxLength: 60 },
  ) // prettier-ignore
  .map((runs) => Uint16Array.from(runs.flatMap(([label, length]) => Array.from({ length }, () => label))))

const kernels = wasmKernels() ? (['plain', 'simd'] as const) : (['plain'] as const)
if (kernels.length === 1) console.warn('no WebAssembly SIMD here: only the plain kernels are tested')

test('SIMD is chosen where this machine has it', () => {
  expect(kernelOf().name).toBe(kernels.at(-1))
})

describe.each(kernels)('the %s kernel', (name) => {
  const kernel = kernelOf(name)

  test('packs labels into the runs that they are', () => {
    fc.assert(
      fc.property(labelMaps, (labels) => {
        expect(kernel.pack(labels, 255)).toEqual(naiveRuns(labels))
      }),
      { numRuns: 150, seed: 1 },
    )
  })

  test('packs labels that lie anywhere in a buffer, and holds down those that are too high', () => {
    const buffer = Uint16Array.from({ length: 40_000 }, (_, i) => (i % 97 < 50 ? 3 : 300 + (i % 2)))
    for (const [from, to] of [
      [0, 40_000],
      [1, 39_998],
      [7, 8],
      [16, 8208],
      [5, 16_389],
    ] as const) {
      // prettier-ignore
      const labels = buffer.subarray(from, to)
      const runs = kernel.pack(labels, 9)
      expect(spread(runs)).toEqual(labels.map((label) => Math.min(label, 9)))
    }
  })

  test('counts the pixels of every pair of labels', () => {
    fc.assert(
      fc.property(labelMaps, labelMaps, (a, b) => {
        const size = Math.min(a.length, b.length)
        const [left, right] = [a.subarray(0, size), b.subarray(0, size)]
        const histogram = new Uint32Array(255 * 256)
        for (let i = 0; i < size; i++) histogram[left[i]! * 256 + right[i]!]! += 1
        const joint = kernel.joint(naiveRuns(left), naiveRuns(right), 255, 256)
        expect(Buffer.from(joint.buffer).equals(Buffer.from(histogram.buffer))).toBe(true)
      }),
      { numRuns: 150, seed: 2 },
    )
  })

  test('grows with the image: the most pixels and labels that packed runs can hold, and noise', () => {
    const pixels = 2 ** 24 - 1
    const [one, all] = [Uint32Array.of(pixels * 256 + 255), kernel.pack(new Uint16Array(pixels).fill(7), 255)]
    expect(all).toEqual(Uint32Array.of(pixels * 256 + 7))
    expect(kernel.joint(one, all, 256, 256)[255 * 256 + 7]).toBe(pixels)
    const noise = Uint16Array.from({ length: 300_000 }, (_, i) => i % 2)
    const runs = kernel.pack(noise, 255)
    expect(runs.length).toBe(300_000)
    expect([...kernel.joint(runs, runs, 2, 2)]).toEqual([150_000, 0, 0, 150_000])
  })
})

function naiveRuns(labels: Uint16Array): Uint32Array {
  const runs: number[] = []
  for (let i = 0; i < labels.length; i++) if (labels[i] !== labels[i + 1]) runs.push((i + 1) * 256 + labels[i]!)
  return Uint32Array.from(runs)
}

function spread(runs: Uint32Array): Uint16Array {
  const labels = new Uint16Array(runs.at(-1)! >>> 8)
  for (let i = 0, from = 0; i < runs.length; from = runs[i++]! >>> 8) labels.fill(runs[i]! & 0xff, from, runs[i]! >>> 8)
  return labels
}
