import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { crc32 } from 'node:zlib'
import type { ImageSet, Scene } from '../data/image_set.ts'
import { writeAtomically } from '../results.ts'
import type { HeadMaps } from './decode.ts'

/*
 * What a network said about a set, little-endian as every platform that onnxruntime-node ships for:
 *
 *   0    'PTHO', u32 version, u64 length of the file, the set's id (64 bytes of hex)
 *   80   u32 scenes, u32 crc32 of the body, u32 0, u32 crc32 of bytes 0 to 91
 *   96   the body, scene by scene in the set's order: heat, then both planes of the offsets (f32), then the classes
 *        (i16, -1 is none), each at a multiple of 4
 */
const MAGIC = 'PTHO'
const VERSION = 1
const HEADER_BYTES = 96
const ID_AT = 16
const COUNT_AT = 80

/** Keeps the outputs for all scenes of a set, 14 bytes a pixel. Written by rename: a reader sees all of them or nothing. */
export function writeHeads(file: string, set: ImageSet, outputs: readonly HeadMaps[]): void {
  if (outputs.length !== set.scenes.length)
    throw new RangeError(`${outputs.length} outputs for ${set.scenes.length} scenes`)
  const bytes = Buffer.alloc(HEADER_BYTES + set.scenes.reduce((sum, scene) => sum + sceneBytes(scene), 0))
  let at = HEADER_BYTES
  for (const [n, scene] of set.scenes.entries()) {
    const { semantic, center, offset, height, width } = outputs[n]!
    if (height !== scene.height || width !== scene.width)
      throw new RangeError(`scene ${n} is ${scene.width}x${scene.height}, its output ${width}x${height}`)
    const views = viewsOf(bytes, at, scene)
    views.center.set(center)
    views.offset.set(offset)
    views.semantic.set(semantic)
    at += sceneBytes(scene)
  }
  bytes.set(headerOf(set, bytes))
  writeAtomically(file, bytes)
}

/**
 * The outputs that a file keeps for this very set, in shared memory. Undefined where there is no such file or anything
 * about it is not as it was written: cut short, altered, of another version or another set.
 */
export function readHeads(file: string, set: ImageSet): HeadMaps[] | undefined {
  const bytes = readWhole(file)
  const expected = HEADER_BYTES + set.scenes.reduce((sum, scene) => sum + sceneBytes(scene), 0)
  if (bytes?.length !== expected || !bytes.subarray(0, HEADER_BYTES).equals(headerOf(set, bytes))) return undefined
  let at = HEADER_BYTES
  return set.scenes.map((scene) => {
    const { semantic, center, offset } = viewsOf(bytes, at, scene)
    at += sceneBytes(scene)
    return { height: scene.height, width: scene.width, semantic: Int32Array.from(semantic), center, offset }
  })
}

function headerOf({ id, scenes }: ImageSet, bytes: Buffer): Buffer {
  const header = Buffer.alloc(HEADER_BYTES)
  header.write(MAGIC, 0, 'latin1')
  header.writeUInt32LE(VERSION, 4)
  header.writeBigUInt64LE(BigInt(bytes.length), 8)
  header.write(id.slice(0, 64), ID_AT, 'latin1')
  header.writeUInt32LE(scenes.length, COUNT_AT)
  header.writeUInt32LE(crc32(bytes.subarray(HEADER_BYTES)), COUNT_AT + 4)
  header.writeUInt32LE(crc32(header.subarray(0, HEADER_BYTES - 4)), HEADER_BYTES - 4)
  return header
}

/** 14 a pixel, rounded up so that the next scene's floats are aligned. */
function sceneBytes({ height, width }: Scene): number {
  return Math.ceil((14 * height * width) / 4) * 4
}

function viewsOf(bytes: Buffer, at: number, { height, width }: Scene) {
  const pixels = height * width
  const start = bytes.byteOffset + at
  return {
    center: new Float32Array(bytes.buffer, start, pixels),
    offset: new Float32Array(bytes.buffer, start + 4 * pixels, 2 * pixels),
    semantic: new Int16Array(bytes.buffer, start + 12 * pixels, pixels),
  }
}

/** Most that one read moves. */
const ONE_READ = 2 ** 30

function readWhole(file: string): Buffer | undefined {
  let fd: number
  try {
    fd = openSync(file, 'r')
  } catch {
    return undefined
  }
  try {
    const bytes = Buffer.from(new SharedArrayBuffer(fstatSync(fd).size))
    for (let at = 0; at < bytes.length;) {
      const count = readSync(fd, bytes, at, Math.min(ONE_READ, bytes.length - at), at)
      if (count === 0) return undefined
      at += count
    }
    return bytes
  } finally {
    closeSync(fd)
  }
}
