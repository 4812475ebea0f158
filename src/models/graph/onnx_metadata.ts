/** The metadata of an .onnx file: field 14 of `ModelProto`, pairs of texts. Empty where it has none, or is no such file. */
export function readMetadata(file: Uint8Array): Readonly<Record<string, string>> {
  const pairs = messagesIn(file, 14).map((pair) => {
    const [key = new Uint8Array()] = messagesIn(pair, 1)
    const [value = new Uint8Array()] = messagesIn(pair, 2)
    return [utf8.decode(key), utf8.decode(value)] as const
  })
  return Object.fromEntries(pairs)
}

const utf8 = new TextDecoder()

/** The bytes of each field of a number that has a length: texts, and messages within the message. What is damaged ends it. */
function messagesIn(bytes: Uint8Array, wanted: number): readonly Uint8Array[] {
  const found: Uint8Array[] = []
  let at = 0
  const varint = () => {
    let value = 0
    for (let factor = 1; at < bytes.length; factor *= 128) {
      const byte = bytes[at++]!
      value += (byte & 127) * factor
      if (byte < 128) break
    }
    return value
  }
  while (at < bytes.length) {
    const tag = varint()
    const wireType = tag % 8
    if (wireType === 0) varint()
    else if (wireType === 1) at += 8
    else if (wireType === 5) at += 4
    else if (wireType === 2) {
      const length = varint()
      if (Math.floor(tag / 8) === wanted) found.push(bytes.subarray(at, at + length))
      at += length
    } else break
  }
  return found
}
