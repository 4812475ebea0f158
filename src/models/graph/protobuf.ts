/** One encoded message, or a piece of one: bytes to be joined. */
export type Field = readonly Uint8Array[]

/** A whole number field; negative ones take ten bytes, as int64 does. */
export function int(field: number, value: number): Field {
  return [tag(field, 0), varint(value)]
}

const utf8 = new TextEncoder()

export function text(field: number, value: string): Field {
  return bytes(field, utf8.encode(value))
}

export function bytes(field: number, value: Uint8Array): Field {
  return [tag(field, 2), varint(value.length), value]
}

/** A message within a message. */
export function message(field: number, ...fields: readonly Field[]): Field {
  const parts = fields.flat()
  return [tag(field, 2), varint(lengthOf(parts)), ...parts]
}

/** The bytes of a whole message. */
export function encode(...fields: readonly Field[]): Uint8Array {
  const parts = fields.flat()
  const joined = new Uint8Array(lengthOf(parts))
  let at = 0
  for (const part of parts) {
    joined.set(part, at)
    at += part.length
  }
  return joined
}

function tag(field: number, wireType: 0 | 2): Uint8Array {
  return varint(field * 8 + wireType)
}

/** Seven bits a byte, lowest first; all but the last have their high bit set. */
function varint(value: number): Uint8Array {
  // Negative numbers are written as 64 bits of two's complement, beyond what a double holds.
  return value < 0 ? bigVarint(BigInt.asUintN(64, BigInt(value))) : smallVarint(value)
}

function smallVarint(value: number): Uint8Array {
  if (value < 128) return Uint8Array.of(value)
  const digits: number[] = []
  let rest = value
  for (; rest > 127; rest = Math.floor(rest / 128)) digits.push((rest % 128) + 128)
  return Uint8Array.of(...digits, rest)
}

function bigVarint(value: bigint): Uint8Array {
  const digits: number[] = []
  let rest = value
  for (; rest > 127n; rest >>= 7n) digits.push(Number(rest & 127n) | 128)
  return Uint8Array.of(...digits, Number(rest))
}

function lengthOf(parts: readonly Uint8Array[]): number {
  return parts.reduce((length, part) => length + part.length, 0)
}
