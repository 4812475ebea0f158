import { expect, test } from 'vitest'
import { metricColumn, metricNames, metricText } from '../../src/cli/format.ts'

test('a standard error stands beside what it is of, and has no column of its own', () => {
  const reports = [{ pq: 51.234, pq_se: 2.5, sq: 80 }, { pq: 9, pq_se: Infinity, sq: 70 }, { sq: 60 }]
  expect(metricNames(reports)).toEqual(['pq', 'sq'])
  expect(metricColumn('pq', reports)).toEqual(['51.23 ± 2.5', '9.00', '-'])
  expect(reports.map((metrics) => metricText({ direction: 'maximize', metric: 'pq' }, metrics))).toEqual([
    'pq 51.23 ± 2.5',
    'pq 9',
    '',
  ])
})

test('a metric whose name only looks like a standard error is shown like any other', () => {
  expect(metricNames([{ noise_se: 1, pq: 2 }])).toEqual(['noise_se', 'pq'])
})
