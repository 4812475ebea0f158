import { crc32 } from 'node:zlib'
import type { ImageSet } from './image_set.ts'
import { aligned, allocateShared, readShared, writeWhole } from './shared_file.ts'

/** What a file keeps: a set, and what its maker wants to say about it every time it is opened. */
export interface StoredSet {
  readonly set: ImageSet
  readonly notes: readonly string[]
}

type Meta = Pick<ImageSet, 'categories' | 'scenes' | 'damaged'> & Pick<StoredSet, 'notes'>

/*
 * One file a set, little-endian as every platform that onnxruntime-node ships for:
 *
 *   0    'PTIS', u32 version, u64 length of the file, the set's id (sha256, 32 bytes)
 *   48   three sections, pixels, labels and meta (JSON): each u64 offset, u64 length, u32 crc32, u32 0
 *   120  u32 crc32 of bytes 0 to 119
 *   128  the sections, each at a multiple of 64
 */
const MAGIC = 'PTIS'
const HEADER_BYTES = 128
const START_BYTES = 48
const SECTION_BYTES = 24
const CRC_AT = 120
export const SET_FILE_VERSION = 1

/** Shared memory for a set of so many pixels, zeroed. */
export function allocateSet(pixelCount: number): Pick<ImageSet, 'pixels' | 'labels'> {
  const labelsAt = aligned(3 * pixelCount)
  const memory = allocateShared(labelsAt + 2 * pixelCount)
  return { pixels: new Uint8Array(memory, 0, 3 * pixelCount), labels: new Uint16Array(memory, labelsAt, pixelCount) }
}

/**
 * The set of this id in a file, in shared memory. Undefined where there is no such file or anything about it is not as
 * it was written: cut short, altered, of another version or another set.
 */
export function readSetFile(file: string, id: string): StoredSet | undefined {
  const memory = readShared(file)
  if (!memory || memory.byteLength < HEADER_BYTES) return undefined
  const header = Buffer.from(memory, 0, HEADER_BYTES)
  const isWhole = header.readUInt32LE(CRC_AT) === crc32(header.subarray(0, CRC_AT))
  if (!isWhole || !header.subarray(0, START_BYTES).equals(headerStart(id, memory.byteLength))) return undefined
  const [pixels, labels, meta] = [0, 1, 2].map((i) => readSection(memory, header, i))
  if (!pixels || !labels || !meta) return undefined
  // What passed its checksums is what `writeSetFile` wrote.
  const { notes, ...listed }: Meta = JSON.parse(meta.toString())
  const set = {
    id,
    ...listed,
    pixels: new Uint8Array(memory, pixels.byteOffset, pixels.length),
    labels: new Uint16Array(memory, labels.byteOffset, labels.length / 2),
  }
  return { set, notes }
}

/** The id that a file says it holds; undefined where it has none. `readSetFile` then tells whether that is so. */
export function setFileId(file: string): string | undefined {
  const memory = readShared(file)
  if (!memory || memory.byteLength < HEADER_BYTES) return undefined
  return Buffer.from(memory, 0, START_BYTES).toString('hex', 16)
}

/** Writes a set so that any reader, in any process, sees all of it or nothing. */
export function writeSetFile(file: string, { set, notes }: StoredSet): void {
  const { id, pixels, labels, ...listed } = set
  const meta = Buffer.from(JSON.stringify({ ...listed, notes } satisfies Meta))
  const sections = [pixels, new Uint8Array(labels.buffer, labels.byteOffset, labels.byteLength), meta]
  const header = Buffer.alloc(HEADER_BYTES)
  const offsets: number[] = []
  let end = HEADER_BYTES
  for (const section of sections) {
    offsets.push(aligned(end))
    end = aligned(end) + section.length
  }
  header.set(headerStart(id, end))
  for (const [i, section] of sections.entries()) {
    const at = START_BYTES + SECTION_BYTES * i
    header.writeBigUInt64LE(BigInt(offsets[i]!), at)
    header.writeBigUInt64LE(BigInt(section.length), at + 8)
    header.writeUInt32LE(crc32(section), at + 16)
  }
  header.writeUInt32LE(crc32(header.subarray(0, CRC_AT)), CRC_AT)

  writeWhole(file, [{ at: 0, bytes: header }, ...sections.map((bytes, i) => ({ at: offsets[i]!, bytes }))])
}

function headerStart(id: string, fileLength: number): Buffer {
  const start = Buffer.alloc(START_BYTES)
  start.write(MAGIC, 0, 'latin1')
  start.writeUInt32LE(SET_FILE_VERSION, 4)
  start.writeBigUInt64LE(BigInt(fileLength), 8)
  start.write(id, 16, 'hex')
  return start
}

/** The bytes of a section, or undefined where they are not those that its checksum was taken of. */
function readSection(memory: SharedArrayBuffer, header: Buffer, index: number): Buffer | undefined {
  const at = START_BYTES + SECTION_BYTES * index
  const [offset, length] = [Number(header.readBigUInt64LE(at)), Number(header.readBigUInt64LE(at + 8))]
  if (offset + length > memory.byteLength) return undefined
  const bytes = Buffer.from(memory, offset, length)
  return crc32(bytes) === header.readUInt32LE(at + 16) ? bytes : undefined
}
