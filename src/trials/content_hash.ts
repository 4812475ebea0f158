import { createHash, type Hash } from 'node:crypto'

/**
 * A sha256 of anything that `prepare` may give: equal content gives equal hashes, in whatever order keys were written.
 * Text that names a place is taken as seen from `home`, so that results which were moved are the same data.
 */
export function contentHash(value: unknown, home: string): string {
  const hash = createHash('sha256')
  add(hash, value, { home, above: [] })
  return hash.digest('hex')
}

interface Around {
  readonly home: string
  /** The objects that this one is in: what goes round ends there. */
  readonly above: readonly object[]
}

/** Each part says what it is and how long, so that no two values read the same. */
function add(hash: Hash, value: unknown, around: Around): void {
  if (typeof value === 'string') return addText(hash, 'text', value.replaceAll(around.home, ''))
  if (typeof value !== 'object' || value === null) return addText(hash, typeof value, textOf(value))
  if (around.above.includes(value)) return addText(hash, 'again', String(around.above.indexOf(value)))
  const bytes = bytesOf(value)
  if (bytes) {
    addText(hash, value.constructor.name, String(bytes.length))
    hash.update(bytes)
    return
  }
  const inside = { ...around, above: [...around.above, value] }
  const entries = entriesOf(value)
  addText(hash, value.constructor?.name ?? 'Object', String(entries.length))
  for (const [key, field] of entries) {
    add(hash, key, inside)
    add(hash, field, inside)
  }
}

function addText(hash: Hash, kind: string, text: string): void {
  hash.update(`${kind} ${Buffer.byteLength(text)}\n`).update(text)
}

/** A function is its code: what it closes over cannot be seen. */
function textOf(value: unknown): string {
  return Object.is(value, -0) ? '-0' : String(value)
}

function bytesOf(value: object): Uint8Array | undefined {
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
  return value instanceof ArrayBuffer || value instanceof SharedArrayBuffer ? new Uint8Array(value) : undefined
}

function entriesOf(value: object): readonly (readonly [unknown, unknown])[] {
  if (value instanceof Map || Array.isArray(value)) return [...value.entries()]
  if (value instanceof Set) return [...[...value].entries()]
  if (value instanceof Date) return [['time', value.getTime()]]
  return Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))
}
