import { expect, test } from 'vitest'
import { trialText } from '../../src/cli/tables.ts'
import { loguniform } from '../../src/space.ts'
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

test('a trial that began where another ended shows the schedule that led to it', () => {
  const goals = [{ direction: 'minimize', metric: 'loss' }] as const
  const space = { lr: loguniform(1e-4, 1).spec }
  const line = [0.1, 0.02, 0.5, 0.01].map((lr, n) => ({ ...trialOf(n, [4 - n]), params: { lr } }))
  const trials = line.map((trial) => (trial.number === 0 ? trial : { ...trial, from: trial.number === 3 ? 1 : 0 }))
  const terminal = { columns: 80, rows: 24, unicode: false, isLive: false, paint: (_: string, text: string) => text }
  const study = {
    record: { name: 'turns', goals, space },
    history: { dims: [], goals, trials },
  } as unknown as StoredStudy
  const [, , , , , ...table] = trialText(study, trials[3]!, 'log.txt', terminal).split('\n')
  expect(table.slice(0, 4).map((row) => row.trim().split(/ +/))).toEqual([
    ['trial', 'lr', 'loss'],
    ['0', '0.1', '4'],
    ['1', '0.02', '3'],
    ['3', '0.01', '1'],
  ])
  expect(trialText(study, trials[0]!, 'log.txt', terminal)).not.toContain('trial  lr')
})
