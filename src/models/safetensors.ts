import { readFileSync, statSync } from 'node:fs'
import { messageOf, TuneError } from '../errors.ts'
import { writeAtomically } from '../results.ts'

/** Named tensors as a .safetensors file holds them, and the texts that its writer put beside them. */
export interface TensorFile {
  readonly tensors: ReadonlyMap<string, StoredTensor>
  readonly metadata: Readonly<Record<string, string>>
}

export interface StoredTensor {
  readonly shape: readonly number[]
  readonly data: Float32Array
}

/** What the header says of one tensor: its place among the bytes that follow the header. */
interface Entry {
  readonly dtype: string
  readonly shape: readonly number[]
  readonly data_offsets: readonly [number, number]
}

const LENGTH_BYTES = 8
/** The format's own limit for its header. */
const MOST_HEADER_BYTES = 100_000_000

/**
 * Writes tensors in the format of huggingface/safetensors (little-endian float32, in the order of the map), by rename:
 * a reader sees the whole file or none.
 */
export function writeTensors(file: string, { tensors, metadata }: TensorFile): void {
  const header: Record<string, Entry | Readonly<Record<string, string>>> = { __metadata__: metadata }
  let end = 0
  for (const [name, { shape, data }] of tensors) {
    header[name] = { dtype: 'F32', shape, data_offsets: [end, (end += data.byteLength)] }
  }
  // Spaces behind the header, as the format allows, so that every tensor lies at a multiple of its elements' size.
  const text = JSON.stringify(header)
  const head = Buffer.from(text.padEnd(text.length + ((8 - (Buffer.byteLength(text) % 8)) % 8)))
  const length = Buffer.alloc(LENGTH_BYTES)
  length.writeBigUInt64LE(BigInt(head.length))
  const bodies = [...tensors.values()].map(({ data }) => Buffer.from(data.buffer, data.byteOffset, data.byteLength))
  writeAtomically(file, Buffer.concat([length, head, ...bodies]))
}

/**
 * Reads the tensors of any .safetensors file of floats (float64, float16 and bfloat16 become float32). Throws
 * `checkpoint/invalid` where the file is missing, cut short or not what the format asks for; nothing it says is trusted
 * before it was compared with the file's length.
 */
export function readTensors(file: string): TensorFile {
  const bytes = readWhole(file)
  const headerBytes = bytes.length < LENGTH_BYTES ? Infinity : Number(bytes.readBigUInt64LE())
  const start = LENGTH_BYTES + headerBytes
  if (headerBytes > MOST_HEADER_BYTES || start > bytes.length) {
    throw invalid(file, `its ${bytes.length} bytes are fewer than its header asks for, or it is no safetensors file`)
  }
  const { __metadata__: metadata = {}, ...entries } = parseHeader(file, bytes.toString('utf8', LENGTH_BYTES, start))
  const body = bytes.subarray(start)
  const tensors = new Map<string, StoredTensor>()
  let end = 0
  for (const [name, entry] of inOrder(file, entries)) {
    const { dtype, shape, data_offsets: [from, to] } = entry // prettier-ignore
    const type = TYPES[dtype]
    if (!type) throw invalid(file, `tensor '${name}' is of type ${dtype}; ${Object.keys(TYPES).join(', ')} can be read`)
    const count = shape.reduce((product, size) => product * size, 1)
    if (from < end) throw invalid(file, `tensor '${name}' shares bytes ${from} to ${end} with another`)
    if (to > body.length || to - from !== count * type.bytes) {
      throw invalid(
        file,
        `tensor '${name}' [${shape.join(', ')}] does not fit bytes ${from} to ${to} of ${body.length}`,
      )
    }
    tensors.set(name, { shape, data: type.read(body.subarray(from, to), count) })
    end = to
  }
  if (end !== body.length) throw invalid(file, `it has ${body.length - end} bytes that belong to no tensor`)
  return { tensors, metadata: texts(metadata) }
}

/** By their places: no two may share bytes, or a small file could stand for more than fits into memory. */
function inOrder(file: string, entries: Readonly<Record<string, unknown>>): readonly (readonly [string, Entry])[] {
  const checked = Object.entries(entries).map(([name, entry]) => {
    if (!isEntry(entry)) throw invalid(file, `tensor '${name}' has no type, shape and place`)
    return [name, entry] as const
  })
  return checked.toSorted(([, a], [, b]) => a.data_offsets[0] - b.data_offsets[0])
}

interface StoredType {
  readonly bytes: number
  readonly read: (bytes: Buffer, count: number) => Float32Array
}

const TYPES: Readonly<Record<string, StoredType>> = {
  F32: { bytes: 4, read: (bytes) => new Float32Array(new Uint8Array(bytes).buffer) },
  F64: { bytes: 8, read: (bytes, count) => Float32Array.from({ length: count }, (_, i) => bytes.readDoubleLE(8 * i)) },
  BF16: { bytes: 2, read: (bytes, count) => new Float32Array(Int32Array.from({ length: count }, (_, i) => bytes.readUInt16LE(2 * i) << 16).buffer) },
  F16: { bytes: 2, read: (bytes, count) => Float32Array.from({ length: count }, (_, i) => half(bytes.readUInt16LE(2 * i))) },
} // prettier-ignore

/** IEEE 754 binary16. */
function half(bits: number): number {
  const sign = bits >> 15 ? -1 : 1
  const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023]
  if (exponent === 31) return fraction ? Number.NaN : sign * Infinity
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15))
}

function parseHeader(file: string, text: string): Readonly<Record<string, unknown>> {
  try {
    const header: unknown = JSON.parse(text)
    if (typeof header === 'object' && header !== null && !Array.isArray(header)) return { ...header }
  } catch (cause) {
    throw invalid(file, `its header is no JSON: ${messageOf(cause)}`)
  }
  throw invalid(file, 'its header is no JSON object')
}

function isEntry(value: unknown): value is Entry {
  if (typeof value !== 'object' || value === null) return false
  const { dtype, shape, data_offsets: offsets } = value as Partial<Record<keyof Entry, unknown>>
  const isCounts = (list: unknown) => Array.isArray(list) && list.every((n) => Number.isSafeInteger(n) && n >= 0)
  return typeof dtype === 'string' && isCounts(shape) && isCounts(offsets) && (offsets as unknown[]).length === 2
}

function texts(metadata: unknown): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(metadata ?? {}).filter(([, value]) => typeof value === 'string'))
}

function readWhole(file: string): Buffer {
  try {
    if (!statSync(file).isFile()) throw new Error('it is no file')
    return readFileSync(file)
  } catch (cause) {
    throw new TuneError('checkpoint/invalid', `${file} cannot be read: ${messageOf(cause)}`, { cause })
  }
}

function invalid(file: string, what: string): TuneError {
  return new TuneError('checkpoint/invalid', `${file}: ${what}`)
}
