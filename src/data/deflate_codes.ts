import { peek, take, type Bits } from './deflate_bits.ts'

/** A Huffman code: at the next bits, under the mask, stands a symbol x 16 + how many bits it has; 0 where none begins so. */
interface Code {
  readonly table: Uint16Array
  readonly mask: number
}

/** What a block is written in: bytes, lengths and the end as symbols, and the distances of copies. */
export interface BlockCodes {
  readonly symbols: Code
  readonly distances: Code
}

const LONGEST = 15

/** The codes that need not be told (section 3.2.6). */
export const FIXED_CODES: BlockCodes = {
  symbols: codeOf(Uint8Array.from({ length: 288 }, (_, i) => (i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8)))!,
  distances: codeOf(new Uint8Array(30).fill(5))!,
}

/** In this order the lengths of a block's code of lengths are listed. */
const ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]
const scratch = { symbols: new Uint16Array(1 << LONGEST), distances: new Uint16Array(1 << LONGEST) }

/** The codes that a block begins with (section 3.2.7), until the next are read; undefined where it has none. */
export function readCodes(bits: Bits): BlockCodes | undefined {
  const [symbolCount, distanceCount, listed] = [257 + take(bits, 5), 1 + take(bits, 5), 4 + take(bits, 4)]
  const ofLengths = new Uint8Array(ORDER.length)
  for (let i = 0; i < listed; i++) ofLengths[ORDER[i]!] = take(bits, 3)
  const code = codeOf(ofLengths)
  const lengths = code && readLengths(bits, code, symbolCount + distanceCount)
  const symbols = lengths && codeOf(lengths.subarray(0, symbolCount), scratch.symbols)
  const distances = lengths && codeOf(lengths.subarray(symbolCount), scratch.distances)
  return symbols && distances && { symbols, distances }
}

function readLengths(bits: Bits, { table, mask }: Code, count: number): Uint8Array | undefined {
  const lengths = new Uint8Array(count)
  for (let i = 0; i < count;) {
    const entry = table[peek(bits.view, bits.at) & mask]!
    if (entry === 0) return undefined
    bits.at += entry & 15
    const symbol = entry >> 4
    if (symbol < 16) {
      lengths[i++] = symbol
      continue
    }
    const repeats = symbol === 16 ? 3 + take(bits, 2) : symbol === 17 ? 3 + take(bits, 3) : 11 + take(bits, 7)
    if (i + repeats > count) return undefined
    if (symbol === 16) lengths.fill(lengths[i - 1] ?? 0, i, i + repeats)
    i += repeats
  }
  return lengths
}

/** The canonical code with these lengths by symbol (section 3.2.2); undefined where more symbols have them than can. */
function codeOf(lengths: Uint8Array, memory = new Uint16Array(1 << LONGEST)): Code | undefined {
  const counts = new Uint16Array(LONGEST + 1)
  for (let i = 0; i < lengths.length; i++) counts[lengths[i]!]! += 1
  counts[0] = 0
  const next = new Uint16Array(LONGEST + 1)
  let longest = 0
  for (let length = 1, first = 0; length <= LONGEST; length++) {
    first = (first + counts[length - 1]!) << 1
    next[length] = first
    if (first + counts[length]! > 1 << length) return undefined
    if (counts[length]! > 0) longest = length
  }
  const table = memory.subarray(0, 1 << longest).fill(0)
  for (let symbol = 0; symbol < lengths.length; symbol++) {
    const length = lengths[symbol]!
    if (length === 0) continue
    const code = reversed(next[length]!++, length)
    for (let at = code; at < table.length; at += 1 << length) table[at] = symbol * 16 + length
  }
  return { table, mask: table.length - 1 }
}

/** Codes are written from their highest bit, all else from the lowest. */
function reversed(code: number, length: number): number {
  let result = 0
  for (let i = 0, rest = code; i < length; i++, rest >>= 1) result = (result << 1) | (rest & 1)
  return result
}
