import { expect, test } from 'vitest'
import { metricColumn, metricNames, metricText } from '../../src/cli/format.ts'

const terminal = { unicode: true }

test('a standard error stands beside what it is of, and has no column of its own', () => {
  const reports = [{ pq: 51.234, pq_se: 2.5, sq: 80 }, { pq: 9, pq_se: Infinity, sq: 70 }, { sq: 60 }]
  expect(metricNames(reports)).toEqual(['pq', 'sq'])
  expect(metricColumn('pq', reports, terminal)).toEqual(['51.23 ± 2.50', '9.00', '-'])
  expect(reports.map((metrics) => metricText({ direction: 'maximize', metric: 'pq' }, metrics, terminal))).toEqual([
    'pq 51.23 ± 2.50',
    'pq 9',
    '',
  ])
})

test('a standard error has as many decimals as what it is of', () => {
  const goal = { direction: 'maximize', metric: 'pq' } as const
  expect(metricText(goal, { pq: 2.6284, pq_se: 0.32812 }, { unicode: false })).toBe('pq 2.63 +- 0.33')
  expect(metricText(goal, { pq: 0.2628 }, terminal)).toBe('pq 0.263')
})

test('a metric whose name only looks like a standard error is shown like any other', () => {
  expect(metricNames([{ noise_se: 1, pq: 2 }])).toEqual(['noise_se', 'pq'])
})
