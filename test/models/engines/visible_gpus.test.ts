import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { visibleOf } from '../../../src/models/engines/visible_gpus.ts'

const all = ['GPU-aaaa1111', 'GPU-aaaa2222', 'GPU-bbbb3333'].map((uuid, index) => ({ uuid, index }))
const parts = ['MIG-GPU-aaaa1111/7/1', 'MIG-GPU-aaaa1111/7/11', 'MIG-cccc'].map((uuid) => ({ uuid, index: undefined }))

function shown(mask: string): readonly string[] {
  return visibleOf([...all, ...parts], mask).map(({ uuid, index }) => (index === undefined ? uuid : String(index)))
}

describe('CUDA_VISIBLE_DEVICES', () => {
  test.each([
    ['0,1,2', ['0', '1', '2']],
    ['2,0', ['2', '0']],
    [' 1 , 2', ['1', '2']],
    ['+1', ['1']],
    ['1abc,2', ['1', '2']],
  ])('%j shows GPUs by their numbers, in its order', (mask, expected) => {
    expect(shown(mask)).toEqual(expected)
  })

  test.each([
    ['0,-1,1', ['0']],
    ['-1', []],
    ['', []],
    ['0,,1', ['0']],
    ['0,7,1', ['0']],
    ['none', []],
    ['0,GPU-bbbb3333', ['0']],
    ['GPU-bbbb,1', ['2']],
    ['GPU-bbbb,GPU-x,GPU-aaaa1', ['2']],
  ])('%j ends at the first that names nothing', (mask, expected) => {
    expect(shown(mask)).toEqual(expected)
  })

  test('UUIDs may be cut short as far as they name one GPU alone', () => {
    expect(shown('GPU-b,GPU-aaaa2')).toEqual(['2', '1'])
    expect(shown('GPU-aaaa')).toEqual([])
  })

  test('what is named twice hides all', () => {
    expect(shown('0,1,0')).toEqual([])
    expect(shown('GPU-bbbb,GPU-bbbb3333')).toEqual([])
  })

  test('a part of a GPU is named by its own UUID, also where that begins that of another', () => {
    expect(shown('MIG-cccc,MIG-GPU-aaaa1111/7/1')).toEqual(['MIG-cccc', 'MIG-GPU-aaaa1111/7/1'])
    expect(shown('MIG-GPU-aaaa1111/7/11')).toEqual(['MIG-GPU-aaaa1111/7/11'])
  })

  test('whatever it says, no GPU is shown twice', () => {
    const entry = fc.oneof(fc.string(), fc.constantFrom('0', '1', 'GPU-a', 'GPU-bbbb', 'MIG-c', '-1', ''))
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 6 }), (entries) => {
        const found = shown(entries.join(','))
        expect(new Set(found).size).toBe(found.length)
      }),
    )
  })
})
