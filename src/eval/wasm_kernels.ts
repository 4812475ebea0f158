import {
  add,
  and,
  bitmask8,
  constant,
  equal,
  equal16,
  get,
  less,
  load,
  load16,
  loadVector,
  loopWhile,
  mul,
  narrow16,
  or,
  select,
  set,
  shiftLeft,
  shiftRight,
  store,
  sub,
  trailingZeros,
  wasmModule,
  xor,
  type Code,
  type WasmFunction,
} from './wasm_module.ts'

/** As far as it is used here; undefined where JavaScript runs without a compiler. */
declare const WebAssembly:
  | {
      validate(bytes: Uint8Array): boolean
      Module: new (bytes: Uint8Array) => object
      Instance: new (module: object) => { readonly exports: unknown }
    }
  | undefined

/** What the module exports; every value is a byte address, a number of pixels or of columns. */
export interface WasmKernels {
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): void }
  joint: (a: number, b: number, position: number, end: number, a2: number, b2: number, position2: number, end2: number, columns: number, histogram: number) => number // prettier-ignore
  pack: (labels: number, end: number, position: number, runs: number, last: number) => number
}

/**
 * One step of walking two lists of packed runs: adds the pixels up to the nearer end of the two runs to the bin of their
 * labels, and moves on in each list whose run ended there. Without a branch: which list that is cannot be foreseen.
 */
function step(a: number, b: number, position: number, temporary: number, columns: number, histogram: number): Code {
  const [x, y, xEnd, yEnd, end, bin] = [0, 1, 2, 3, 4, 5].map((i) => temporary + i) as [number, number, number, number, number, number] // prettier-ignore
  const label = (run: number) => and(get(run), constant(255))
  const advance = (list: number, runEnd: number) =>
    set(list, add(get(list), shiftLeft(equal(get(runEnd), get(end)), constant(2))))
  return [
    set(x, load(get(a))),
    set(y, load(get(b))),
    set(xEnd, shiftRight(get(x), constant(8))),
    set(yEnd, shiftRight(get(y), constant(8))),
    set(end, select(get(xEnd), get(yEnd), less(get(xEnd), get(yEnd)))),
    set(bin, add(get(histogram), shiftLeft(add(mul(label(x), get(columns)), label(y)), constant(2)))),
    store(get(bin), add(load(get(bin)), sub(get(end), get(position)))),
    set(position, get(end)),
    advance(a, xEnd),
    advance(b, yEnd),
  ].flat()
}

/** The joint histogram of two lists, walked from two places at once: each step waits for its own last one only. */
function jointFunction(): WasmFunction {
  const [a, b, position, end, a2, b2, position2, end2, columns, histogram] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9] as const
  const first = step(a, b, position, 10, columns, histogram)
  const second = step(a2, b2, position2, 16, columns, histogram)
  const isOn = less(get(position), get(end))
  const isOn2 = less(get(position2), get(end2))
  const body = [
    loopWhile(and(isOn, isOn2), first, second),
    loopWhile(isOn, first),
    loopWhile(isOn2, second),
    get(position),
  ].flat()
  return { name: 'joint', parameters: 10, locals: 12, body }
}

/**
 * Packs labels of 16 bits into runs, 16 pixels at a time: a pixel that differs from the one before it, which for the
 * first lies before `labels`, ends a run. Gives the address after the last run.
 */
function packFunction(): WasmFunction {
  const [labels, end, position, runs, last, changes, pixel, before] = [0, 1, 2, 3, 4, 5, 6, 7] as const
  const sameAt = (offset: number) =>
    equal16(loadVector(get(labels), offset), loadVector(sub(get(labels), constant(2)), offset))
  const body = [
    loopWhile(
      less(get(labels), get(end)),
      set(changes, xor(bitmask8(narrow16(sameAt(0), sameAt(16))), constant(0xffff))),
      loopWhile(
        get(changes),
        set(pixel, trailingZeros(get(changes))),
        set(changes, and(get(changes), sub(get(changes), constant(1)))),
        set(before, load16(sub(add(get(labels), shiftLeft(get(pixel), constant(1))), constant(2)))),
        set(before, select(get(before), get(last), less(get(before), get(last)))),
        store(get(runs), or(shiftLeft(add(get(position), get(pixel)), constant(8)), get(before))),
        set(runs, add(get(runs), constant(4))),
      ),
      set(labels, add(get(labels), constant(32))),
      set(position, add(get(position), constant(16))),
    ),
    get(runs),
  ].flat()
  return { name: 'pack', parameters: 5, locals: 3, body }
}

/** The kernels on a memory of their own; undefined where WebAssembly or its SIMD is missing. */
export function wasmKernels(): WasmKernels | undefined {
  const bytes = wasmModule([jointFunction(), packFunction()])
  if (typeof WebAssembly === 'undefined' || !WebAssembly.validate(bytes)) return undefined
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes))
  return exports as WasmKernels
}
