import { join } from 'node:path'
import { writeFileSync } from 'node:fs'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { openAdviceThread } from '../../src/ask/advice_thread.ts'
import { gp } from '../../src/search/gp.ts'
import { encodeSpace, spaceDims, uniform } from '../../src/space.ts'
import { defineStudy, maximize } from '../../src/study.ts'
import type { History, Trial } from '../../src/trial.ts'
import { suggest } from '../../src/trials/suggest.ts'
import { trialOf } from '../search/histories.ts'
import { temporaryDir } from '../temporary.ts'

const space = { x: uniform(0, 1), y: uniform(0, 1) }
const study = defineStudy({
  name: 'advised',
  goal: maximize('pq'),
  space,
  where: ({ x, y }) => x + y < 1.5,
  budget: { trials: 99 },
  async *objective() {
    yield { pq: 0 }
  },
})
const index = pathToFileURL(fileURLToPath(new URL('../../dist/index.js', import.meta.url))).href

/** The thread of a study that is written out; the same as `study`, but for what is replaced. */
function threadOf(fields: string) {
  const file = join(temporaryDir(), 'study.mjs')
  writeFileSync(
    file,
    `
    import { defineStudy, gp, maximize, uniform } from '${index}'
    export default defineStudy({
      name: 'advised', goal: maximize('pq'), space: { x: uniform(0, 1), y: uniform(0, 1) },
      where: ({ x, y }) => x + y < 1.5, budget: { trials: 99 }, objective: async function* () {}, ${fields}
    })
  `,
  )
  const thread = openAdviceThread(pathToFileURL(file).href, { ...study, seed: 7 })
  onTestFinished(() => thread.close())
  return thread
}

function historyOf(count: number): History {
  const trials = Array.from({ length: count }, (_, n): Trial => {
    const params = { x: ((n * 7) % 10) / 10, y: ((n * 3) % 7) / 14 }
    const report = { step: 1, metrics: { pq: params.x - params.y ** 2 }, at: 0 }
    return { ...trialOf(n, [], { point: encodeSpace(space, params) }), params, reports: [report] }
  })
  return { dims: spaceDims(space), goals: study.goals, trials }
}

test('a thread suggests what this one would, as trials come, change and go', async () => {
  const thread = threadOf('sampler: gp()')
  const whole = historyOf(12)
  const running = whole.trials.map((trial, i): Trial => (i === 11 ? { ...trial, reports: [], outcome: { state: 'running' } } : trial)) // prettier-ignore
  for (const trials of [running, whole.trials, whole.trials.slice(0, 8)]) {
    const history = { ...whole, trials }
    const here = suggest({ ...study, seed: 7 }, gp(), history, trials.length)
    expect(await thread.ask(history, trials.length)).toEqual(here)
  }
})

test('each of two questions at a time gets its own answer', async () => {
  const [thread, alone] = [threadOf('sampler: gp()'), threadOf('sampler: gp()')]
  const [few, many] = [historyOf(8), historyOf(12)]
  const both = await Promise.all([thread.ask(few, 8), thread.ask(many, 12)])
  expect(both).toEqual([await alone.ask(few, 8), await alone.ask(many, 12)])
})

test('what is the same in every question stays the same to the sampler, which may remember by it', async () => {
  const thread = threadOf(`sampler: (() => {
    let last
    return { name: 'mine', suggest: ({ dims, goals, constraints }) => {
      const isSame = last?.dims === dims && last.goals === goals && last.constraints === constraints
      last = { dims, goals, constraints }
      return { point: [0.1, 0.2], reason: isSame ? 'the same' : 'another' }
    } }
  })()`)
  const [history, other] = [historyOf(3), historyOf(4)]
  const asked = [history, { ...history, trials: [] }, other, { ...history }]
  const reasons = []
  for (const one of asked) reasons.push((await thread.ask(one, 9))?.reason)
  expect(reasons).toEqual(['mine: another', 'mine: the same', 'mine: another', 'mine: another'])
})

test('a question is not waited for once the thread has ended', async () => {
  const ending = threadOf(`sampler: { name: 'mine', suggest: () => process.exit(3) }`)
  await expect(ending.ask(historyOf(3), 3)).rejects.toMatchObject({ message: expect.stringContaining('ended') })
})

test("a thread's errors arrive as they are", async () => {
  const demand = threadOf('where: { never: () => false }').ask(historyOf(3), 3)
  await expect(demand).rejects.toMatchObject({
    code: 'study/invalid',
    message: expect.stringContaining("where 'never'"),
  })
  const broken = threadOf(`sampler: { name: 'mine', suggest: () => { throw new Error('boom') } }`)
  await expect(broken.ask(historyOf(3), 3)).rejects.toMatchObject({ message: "sampler 'mine' threw: boom" })
})
