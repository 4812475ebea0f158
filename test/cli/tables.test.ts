import { expect, test } from 'vitest'
import { trialText } from '../../src/cli/tables.ts'
import type { StoredStudy } from '../../src/store/store.ts'
import { trialOf } from '../search/histories.ts'

test('metrics that do not fit side by side go on below, behind their steps', () => {
  const reports = [1, 2].map((step) => ({ step, metrics: { pq: step, center_loss: 10 * step, waiting: 0.5 }, at: 1000 * step })) // prettier-ignore
  const terminal = { columns: 24, rows: 24, unicode: false, isLive: false, paint: (_: string, text: string) => text }
  const study = { record: { name: 'wide' } } as StoredStudy
  const text = trialText(study, { ...trialOf(0, []), reports }, 'log.txt', terminal)
  const [, ...table] = text.slice(text.indexOf('\nstep')).split('\n')
  expect(table).toEqual([
    'step  pq  center_loss',
    '   1   1           10',
    '   2   2           20',
    '',
    'step  waiting',
    '   1      0.5',
    '   2      0.5',
    '',
    'step  after the first',
    '   1           +0.0 s',
    '   2           +1.0 s',
  ])
})
