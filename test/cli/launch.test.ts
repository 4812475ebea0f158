import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readLaunch, writeLaunch } from '../../src/cli/launch.ts'
import { temporaryDir } from '../temporary.ts'

/** Results in which a file says how the study was started. */
function resultsWith(launch: string): string {
  const results = join(temporaryDir(), 'results')
  mkdirSync(join(results, 'weights'), { recursive: true })
  writeFileSync(join(results, 'weights', 'launch.json'), launch)
  return results
}

const unknown = (message: RegExp) => expect.objectContaining({ code: 'study/unknown', message: expect.stringMatching(message), hint: expect.stringContaining('--study FILE') }) // prettier-ignore

test('how a study was started is read as it was written', () => {
  const results = join(temporaryDir(), 'results')
  const launch = { file: 'studies/weights.ts', set: { gain: '2' }, trials: 8, slots: 'auto' } as const
  writeLaunch(results, 'weights', launch)
  expect(readLaunch(results, 'weights')).toEqual(launch)
})

test.each([
  '{"file":',
  'null',
  '[]',
  '{"file":5,"set":{}}',
  '{"file":"../a.ts"}',
  '{"file":"../a.ts","set":{"gain":{}}}',
  '{"file":"../a.ts","set":{},"slots":-1}',
  '{"file":"../a.ts","set":{},"trials":"many"}',
  '{"file":"../a.ts","set":{},"device":7}',
])(
  // prettier-ignore
  '%s does not say how a study was started',
  (launch) => {
    expect(() => readLaunch(resultsWith(launch), 'weights')).toThrow(unknown(/launch\.json is damaged/))
  },
)

test('code that lies in the results is not run because a file there names it', () => {
  for (const file of ['evil.ts', 'weights/evil.ts', './weights/../evil.ts', '']) {
    const results = resultsWith(JSON.stringify({ file, set: {} }))
    expect(() => readLaunch(results, 'weights')).toThrow(unknown(/no place for code/))
  }
})
