import { expect, test } from 'vitest'
import { parseReport } from '../../src/trials/report.ts'

const goals = [{ direction: 'maximize', metric: 'pq' }] as const

test('a report with a name that every object has is refused, by that name', () => {
  for (const name of ['__proto__', 'constructor', 'toString']) {
    const yielded = JSON.parse(`{ "pq": 1, "${name}": 2 }`) as unknown
    expect(parseReport(yielded, goals, 1)).toMatchObject({
      failed: { code: 'trial/invalid-report', message: expect.stringContaining(`'${name}'`) as string },
    })
  }
})

test('a report may have ten thousand metrics, and no more', () => {
  const withMetrics = (count: number) => ({ pq: 1, ...Object.fromEntries(Array.from({ length: count - 1 }, (_, i) => [`m${i}`, i])) }) // prettier-ignore
  expect(parseReport(withMetrics(10_000), goals, 1)).toHaveProperty('metrics.m9998', 9998)
  expect(parseReport(withMetrics(10_001), goals, 1)).toMatchObject({
    failed: { code: 'trial/invalid-report', message: 'report 1 has 10001 metrics; 10000 at most are kept' },
  })
})
