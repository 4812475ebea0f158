/** WebAssembly instructions, as far as our kernels need them: each function gives the bytes of an expression. */
export type Code = readonly number[]

export const get = (local: number): Code => [0x20, local]
export const set = (local: number, value: Code): Code => [...value, 0x21, local]
export const constant = (value: number): Code => [0x41, ...signed(value)]

const binary = (opcode: number) => (a: Code, b: Code): Code => [...a, ...b, opcode] // prettier-ignore
export const add = binary(0x6a)
export const sub = binary(0x6b)
export const mul = binary(0x6c)
export const and = binary(0x71)
export const or = binary(0x72)
export const xor = binary(0x73)
export const shiftLeft = binary(0x74)
export const shiftRight = binary(0x76)
export const equal = binary(0x46)
export const less = binary(0x49)
export const trailingZeros = (a: Code): Code => [...a, 0x68]
/** `a` where the condition is not 0, else `b`, without a branch. */
export const select = (a: Code, b: Code, condition: Code): Code => [...a, ...b, ...condition, 0x1b]

export const load = (address: Code): Code => [...address, 0x28, 2, 0]
export const store = (address: Code, value: Code): Code => [...address, ...value, 0x36, 2, 0]
/** 16 bits, `offset` bytes after the address. */
export const load16 = (address: Code, offset = 0): Code => [...address, 0x2f, 1, ...unsigned(offset)]
/** 16 bytes; they need not be aligned. */
export const loadVector = (address: Code, offset = 0): Code => [...address, ...simd(0), 0, ...unsigned(offset)]
export const equal16 = (a: Code, b: Code): Code => [...a, ...b, ...simd(0x2d)]
/** Two vectors of 8 truth values of 16 bits as one of 16. */
export const narrow16 = (a: Code, b: Code): Code => [...a, ...b, ...simd(0x65)]
/** One bit for each of 16 truth values, the first lowest. */
export const bitmask8 = (a: Code): Code => [...a, ...simd(0x64)]

/** Repeats the body while the condition, looked at before each time, is not 0. */
export function loopWhile(condition: Code, ...body: readonly Code[]): Code {
  const again = [0x0c, 0]
  return [0x02, 0x40, 0x03, 0x40, ...condition, 0x45, 0x0d, 1, ...body.flat(), ...again, 0x0b, 0x0b]
}

export interface WasmFunction {
  readonly name: string
  /** How many values of 32 bits go in; one comes out. Locals after them start at 0. */
  readonly parameters: number
  readonly locals: number
  readonly body: Code
}

/** A module of some functions over one memory, both exported; the memory is `memory` and starts with one page. */
export function wasmModule(functions: readonly WasmFunction[]): Uint8Array<ArrayBuffer> {
  const i32 = 0x7f
  const types = functions.map(({ parameters }) => [0x60, ...vector(Array.from({ length: parameters }, () => [i32])), 1, i32]) // prettier-ignore
  const exported = functions.map(({ name }, i) => [...text(name), 0, i])
  const bodies = functions.map(({ locals, body }) => sized([1, ...unsigned(locals), i32, ...body, 0x0b]))
  const magicAndVersion = [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0]
  return Uint8Array.from([
    ...magicAndVersion,
    ...section(1, types),
    ...section(3, functions.map((_, i) => [i])), // prettier-ignore
    ...section(5, [[0, 1]]),
    ...section(7, [[...text('memory'), 2, 0], ...exported]),
    ...section(10, bodies),
  ])
}

function section(id: number, items: readonly Code[]): Code {
  return [id, ...sized(vector(items))]
}

function vector(items: readonly Code[]): Code {
  return [...unsigned(items.length), ...items.flat()]
}

function sized(code: Code): Code {
  return [...unsigned(code.length), ...code]
}

function text(name: string): Code {
  return sized([...Buffer.from(name)])
}

function simd(opcode: number): Code {
  return [0xfd, ...unsigned(opcode)]
}

/** LEB128. */
function unsigned(value: number): Code {
  return value < 128 ? [value] : [(value & 127) | 128, ...unsigned(value >>> 7)]
}

function signed(value: number): Code {
  return value >= -64 && value < 64 ? [value & 127] : [(value & 127) | 128, ...signed(value >> 7)]
}
