import { crc32 } from 'node:zlib'

/*
 * The first 256 bytes of an eval set, little-endian:
 *
 *   0    'PQC1', u16 version, u16 flags (0), u64 length, sha256 of the sources (32 bytes)
 *   48   u32 number of sections, u32 crc32 of the bytes before 48 and of the section table
 *   56   section table, 24 bytes each, by type from 1: u32 type, u32 crc32, u64 offset, u64 length
 */
const MAGIC = 'PQC1'
export const EVAL_SET_VERSION = 1
const KEY_AT = 16
const COUNT_AT = 48
const CRC_AT = 52
const TABLE_AT = 56
const SECTION_BYTES = 24
const SECTIONS = 5
/** Where the first section lies. */
export const SECTIONS_AT = 256

/** A piece of an eval set, with its checksum. */
export interface Section {
  /** 1 to 5. */
  readonly type: number
  readonly crc: number
  readonly at: number
  readonly length: number
}

/** The header of a set with this key and so many bytes in all. */
export function headerOf(id: string, length: number, sections: readonly Section[]): Buffer {
  const header = Buffer.alloc(SECTIONS_AT)
  header.write(MAGIC, 0, 'latin1')
  header.writeUInt16LE(EVAL_SET_VERSION, 4)
  header.writeBigUInt64LE(BigInt(length), 8)
  header.write(id, KEY_AT, 'hex')
  header.writeUInt32LE(sections.length, COUNT_AT)
  for (const section of sections) {
    const at = TABLE_AT + SECTION_BYTES * (section.type - 1)
    header.writeUInt32LE(section.type, at)
    header.writeUInt32LE(section.crc, at + 4)
    header.writeBigUInt64LE(BigInt(section.at), at + 8)
    header.writeBigUInt64LE(BigInt(section.length), at + 16)
  }
  header.writeUInt32LE(headerCrc(header), CRC_AT)
  return header
}

/** Of all of the header but the checksum itself. */
function headerCrc(header: Buffer): number {
  return crc32(header.subarray(TABLE_AT, SECTIONS_AT), crc32(header.subarray(0, CRC_AT)))
}

/** Where a section lies, as the header says. */
export function sectionOf(memory: SharedArrayBuffer, type: number): Section {
  const header = headerIn(memory)
  const at = TABLE_AT + SECTION_BYTES * (type - 1)
  const [offset, length] = [Number(header.readBigUInt64LE(at + 8)), Number(header.readBigUInt64LE(at + 16))]
  return { type, at: offset, length, crc: header.readUInt32LE(at + 4) }
}

/** The hash of all that a set was made from. */
export function keyIn(memory: SharedArrayBuffer): string {
  return headerIn(memory).toString('hex', KEY_AT, KEY_AT + 32)
}

/** The key of a whole and undamaged file, or undefined: cut short, altered, or of another version. */
export function sealedKey(memory: SharedArrayBuffer): string | undefined {
  if (memory.byteLength < SECTIONS_AT) return undefined
  const header = headerIn(memory)
  if (header.toString('latin1', 0, 4) !== MAGIC || header.readUInt16LE(4) !== EVAL_SET_VERSION) return undefined
  if (header.readBigUInt64LE(8) !== BigInt(memory.byteLength)) return undefined
  if (header.readUInt32LE(COUNT_AT) !== SECTIONS || header.readUInt32LE(CRC_AT) !== headerCrc(header)) return undefined
  for (let type = 1; type <= SECTIONS; type++) {
    const { at, length, crc } = sectionOf(memory, type)
    if (at + length > memory.byteLength || crc32(new Uint8Array(memory, at, length)) !== crc) return undefined
  }
  return keyIn(memory)
}

function headerIn(memory: SharedArrayBuffer): Buffer {
  return Buffer.from(memory, 0, SECTIONS_AT)
}
