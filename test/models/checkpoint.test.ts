import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { assert, integer, nat, property } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readCheckpoint, saveCheckpoint, stateOf, type Network, type TrainState } from '../../src/models/checkpoint.ts'
import { readTensors } from '../../src/models/safetensors.ts'
import { warmStart } from '../../src/models/warm_start.ts'
import { isTuneError } from '../../src/errors.ts'
import { temporaryDir } from '../temporary.ts'

const zero = { kind: 'constant', value: 0 } as const
const network: Network = {
  parameters: [
    { name: 'backbone.stage1.weight', shape: [2, 3], init: zero },
    { name: 'semantic.weight', shape: [4], init: zero },
  ],
  buffers: [{ name: 'backbone.norm.mean', shape: [2], value: 0 }],
}
const state: TrainState = {
  step: 7,
  weights: Float32Array.from({ length: 10 }, (_, i) => Math.fround(Math.sin(i))),
  buffers: Float32Array.of(-0, 1e-40),
  told: Float32Array.of(0.5, 0.25),
  slots: { momentum: Float32Array.from({ length: 10 }, (_, i) => i), variance: new Float32Array(10).fill(2) },
}

function written(): string {
  const file = join(temporaryDir(), 'model.safetensors')
  saveCheckpoint(file, network, state, { model: { name: 'tiny' } })
  return file
}

describe('a checkpoint', () => {
  test('gives back bitwise what was kept', () => {
    const checkpoint = readCheckpoint(written())
    expect(checkpoint.about).toEqual({ model: { name: 'tiny' } })
    expect(stateOf(checkpoint, network)).toEqual(state)
  })

  test('is a file as the safetensors format lays it out: a length, a JSON header, float32 values', () => {
    const bytes = readFileSync(written())
    const length = Number(bytes.readBigUInt64LE())
    const header = JSON.parse(bytes.toString('utf8', 8, 8 + length)) as Record<string, unknown>
    expect(header['backbone.stage1.weight']).toEqual({ dtype: 'F32', shape: [2, 3], data_offsets: [0, 24] })
    expect(bytes.readFloatLE(8 + length + 4)).toBe(Math.fround(Math.sin(1)))
    expect((8 + length) % 8).toBe(0)
  })

  test('is refused wherever it is cut short', () => {
    const file = written()
    const whole = readFileSync(file)
    for (let length = 0; length < whole.length; length++) {
      writeFileSync(file, whole.subarray(0, length))
      expect(() => readCheckpoint(file), `${length} bytes`).toThrow(/safetensors|header|bytes|shape|fit/)
    }
  })

  test('is refused, or reads the same, with any byte of it changed', () => {
    const file = written()
    const whole = readFileSync(file)
    const read = () => {
      try {
        const checkpoint = readCheckpoint(file)
        return { about: checkpoint.about, state: stateOf(checkpoint, network) }
      } catch (error) {
        return isTuneError(error) ? error.code : error
      }
    }
    const right = read()
    const outcomes = new Set<unknown>()
    const changes = property(nat(whole.length - 1), integer({ min: 1, max: 255 }), (at, flip) => {
      const bytes = Buffer.from(whole)
      bytes[at]! ^= flip
      writeFileSync(file, bytes)
      const outcome = read()
      outcomes.add(outcome === 'checkpoint/invalid' ? outcome : JSON.stringify(outcome))
    })
    assert(changes, { numRuns: 2000, seed: 1 })
    expect([...outcomes]).toEqual(expect.arrayContaining(['checkpoint/invalid']))
    outcomes.delete('checkpoint/invalid')
    outcomes.delete(JSON.stringify(right))
    expect([...outcomes]).toEqual([])
  })

  test('of another model is refused by the first tensor that differs', () => {
    const wider = { ...network, parameters: [{ name: 'backbone.stage1.weight', shape: [4, 3], init: zero }] }
    expect(() => stateOf(readCheckpoint(written()), wider)).toThrow(
      "checkpoint of another model: it has 'backbone.stage1.weight' as [2, 3], not [4, 3]",
    )
    const smaller = { ...network, parameters: network.parameters.slice(0, 1) }
    expect(() => stateOf(readCheckpoint(written()), smaller)).toThrow("it has 'semantic.weight' too")
  })

  test('of half and brain floats reads as float32', () => {
    const file = join(temporaryDir(), 'half.safetensors')
    const header = JSON.stringify({
      a: { dtype: 'F16', shape: [4], data_offsets: [0, 8] },
      b: { dtype: 'BF16', shape: [2], data_offsets: [8, 12] },
    })
    const length = Buffer.alloc(8)
    length.writeBigUInt64LE(BigInt(header.length))
    const body = Buffer.from(Uint16Array.of(0x3c00, 0xc000, 0x0001, 0x7bff, 0x3f80, 0xc0a0).buffer)
    writeFileSync(file, Buffer.concat([length, Buffer.from(header), body]))
    const { tensors } = readTensors(file)
    expect([...tensors.get('a')!.data]).toEqual([1, -2, 2 ** -24, 65504])
    expect([...tensors.get('b')!.data]).toEqual([1, -5])
  })
})

describe('a file of tensors that means harm', () => {
  const fileOf = (header: object | string, bodyBytes: number, claimed?: bigint) => {
    const file = join(temporaryDir(), 'odd.safetensors')
    const text = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header))
    const length = Buffer.alloc(8)
    length.writeBigUInt64LE(claimed ?? BigInt(text.length))
    writeFileSync(file, Buffer.concat([length, text, Buffer.alloc(bodyBytes)]))
    return file
  }
  const tensor = (from: number, to: number, shape: readonly number[], dtype = 'F32') => ({ dtype, shape, data_offsets: [from, to] }) // prettier-ignore

  test.each([
    ['a header of 2^60 bytes', () => fileOf('{}', 8, 2n ** 60n), 'fewer than its header asks for'],
    ['tensors that share bytes', () => fileOf({ a: tensor(0, 8, [2]), b: tensor(0, 8, [2]) }, 8), "'b' shares bytes"],
    ['a hole between tensors', () => fileOf({ a: tensor(0, 4, [1]) }, 8), 'belong to no tensor'],
    ['another type than it has bytes for', () => fileOf({ a: tensor(0, 8, [2], 'F16') }, 8), 'does not fit bytes'],
    ['a type that is a property of objects', () => fileOf({ a: tensor(0, 8, [2], 'constructor') }, 8), "'a'"],
    ['a shape beyond all numbers', () => fileOf({ a: tensor(0, 8, [2 ** 52, 2 ** 52, 2 ** 52]) }, 8), 'does not fit'],
    ['a header nested without end', () => fileOf(`{"a":${'['.repeat(1e5)}${']'.repeat(1e5)}}`, 8), "'a' has no type"],
    ['a device in the place of a file', () => '/dev/zero', 'it is no file'],
  ])('by %s is refused', (_, file, message) => {
    expect(() => readTensors(file())).toThrow(message)
  })
})

describe('a warm start', () => {
  const fresh = () => ({ weights: new Float32Array(11), buffers: new Float32Array(2) })
  const otherHead: Network = {
    ...network,
    parameters: [network.parameters[0]!, { name: 'semantic.weight', shape: [5], init: zero }],
  }

  test('takes what fits and reports what does not', () => {
    const { weights, buffers } = fresh()
    const report = warmStart(otherHead, weights, buffers, { file: written(), ignore: ['semantic'] })
    expect(report).toMatchObject({ ignored: ['semantic.weight'], missing: [], misshapen: [], unexpected: [], share: 1 })
    expect(weights.subarray(0, 6)).toEqual(state.weights.subarray(0, 6))
    expect(weights.subarray(6)).toEqual(new Float32Array(5))
    expect(buffers).toEqual(state.buffers)
  })

  test('fails where too little of the network is in the file', () => {
    const { weights, buffers } = fresh()
    expect(() => warmStart(otherHead, weights, buffers, { file: written() })).toThrow(
      /has 61.5 % of the weights, less than 100.0 %: 1 of another shape, such as 'semantic.weight'/,
    )
    expect(warmStart(otherHead, weights, buffers, { file: written(), atLeast: 0.6 }).misshapen).toEqual([
      'semantic.weight',
    ])
  })

  test('names the part that was meant where it is to ignore one that is not there', () => {
    const { weights, buffers } = fresh()
    expect(() => warmStart(otherHead, weights, buffers, { file: written(), ignore: ['semantik'] })).toThrow(
      expect.objectContaining({ hint: "did you mean 'semantic'?" }),
    )
  })
})
