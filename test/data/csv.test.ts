import * as fc from 'fast-check'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readCsv } from '../../src/data/csv.ts'
import { sharedTemporaryDir } from '../temporary.ts'

const dir = sharedTemporaryDir()

async function rowsOf(content: string | Buffer): Promise<readonly (readonly string[])[]> {
  const file = join(dir, 'some.csv')
  writeFileSync(file, content)
  return allOf(file)
}

async function allOf(file: string): Promise<readonly (readonly string[])[]> {
  const rows = []
  for await (const row of readCsv(file)) rows.push(row)
  return rows
}

describe('the rows of a CSV file', () => {
  test.each([
    ['a,b\n1,2\n', [['a', 'b'], ['1', '2']]],
    ['a,b\r\n1,2', [['a', 'b'], ['1', '2']]],
    ['\uFEFFa,b\n', [['a', 'b']]],
    ['"a ""b""",",\n"\n', [['a "b"', ',\n']]],
    ['a,\n,\n', [['a', ''], ['', '']]],
    ['a\n\n\nb\n', [['a'], ['b']]],
    ['""\n""', [[''], ['']]],
    ['', []],
  ])('of %j', async (content, rows) => {
    expect(await rowsOf(content)).toEqual(rows)
  }) // prettier-ignore

  test('are those that were written, whatever is in them', async () => {
    const cell = fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', '\r', 'ü', ' ', '😀') })
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(cell, { minLength: 1 }), { minLength: 1 }), async (rows) => {
        const text = rows.map((row) => row.map((one) => `"${one.replaceAll('"', '""')}"`).join(',')).join('\n')
        expect(await rowsOf(text)).toEqual(rows)
      }),
      { numRuns: 50 },
    )
  })

  test.each([
    ['a cell', `a,b\n${'x'.repeat(70_000)}`, /some\.csv:2: a cell of more than 65536/],
    ['a row', `a\n${`${'x'.repeat(60_000)},`.repeat(80)}`, /:2: a row of more than/],
    ['a row by its columns', `a\n${','.repeat(20_000)}`, /:2: more than 10000 columns/],
    ['a quote that never ends', `a\n"${'x\n'.repeat(20)}`, /a quote is open/],
    ['a quote that never ends, of any length', `a\n"${'x\n'.repeat(1e6)}`, /a cell of more than/],
  ])('are refused at %s', async (_, content, message) => {
    await expect(rowsOf(content)).rejects.toMatchObject({
      code: 'data/invalid',
      message: expect.stringMatching(message),
    })
  })

  test('come one after the other: a file of 60 MB is never in memory as a whole', async () => {
    const file = join(dir, 'big.csv')
    writeFileSync(file, `${'x'.repeat(99)},1\n`.repeat(600_000))
    const before = process.memoryUsage().rss
    let [count, most] = [0, 0]
    for await (const row of readCsv(file)) {
      count += row.length
      if (count % 20_000 === 0) most = Math.max(most, process.memoryUsage().rss - before)
    }
    expect(count).toBe(1_200_000)
    expect(most).toBeLessThan(50e6)
  })

  test('of a file that is not there are missing', async () => {
    await expect(allOf(join(dir, 'none.csv'))).rejects.toMatchObject({ code: 'data/missing' })
  })
})
