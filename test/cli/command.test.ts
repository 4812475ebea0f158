import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { stream } from '../../src/rng.ts'
import { ended, startTune, workspace, type Workspace } from './tune.ts'

/** A study whose trials are runs of trainer.sh, which improves with every step and can go on from where it was. */
const study = ({ script = 'trainer.sh', budget = 'trials: 9, steps: 9' } = {}) => `
import { asha, command, defineStudy, maximize, random, uniform } from 'panoptune'
export default defineStudy({
  name: 'programs',
  goal: maximize('pq'),
  space: { lr: uniform(0, 1) },
  sampler: random(),
  pruner: asha({ first: 1, eta: 3 }),
  budget: { ${budget} },
  objective: command(({ lr }) => ['sh', '${script}', lr]),
})`

const trainer = `
cd "$PANOPTUNE_DIR" && mkdir -p checkpoint
echo $$ >> ../pids
step=$PANOPTUNE_REPORTED
while [ "$step" -lt "$PANOPTUNE_STEPS" ]; do
  step=$((step + 1))
  sleep 0.02
  echo "$step" > checkpoint/step
  echo "{\\"pq\\": $PANOPTUNE_PARAM_LR, \\"step\\": $step}"
done`

function programs(change = {}): Workspace {
  return workspace({ 'study.ts': study(change), 'trainer.sh': trainer })
}

interface TrialJson {
  readonly reports: readonly { readonly metrics: unknown }[]
  readonly state: unknown
  readonly params: unknown
}

/** What all trials came to. */
async function trialsIn({ tune }: Workspace): Promise<unknown> {
  const { stdout } = await tune('export', '--json')
  const { trials } = JSON.parse(stdout) as { readonly trials: readonly TrialJson[] }
  return trials.map(({ params, state, reports }) => ({
    params,
    state,
    metrics: reports.map(({ metrics }) => metrics),
  }))
}

/** Programs of trials that still run. */
function aliveIn({ dir }: Workspace): readonly string[] {
  const pids = readFileSync(join(dir, 'results/programs/trials/pids'), 'utf8').trim().split('\n')
  return pids.filter((pid) => /^[^Z\s]/.test(spawnSync('ps', ['-o', 'stat=', '-p', pid], { encoding: 'utf8' }).stdout))
}

describe('a study of programs', () => {
  test('that is killed again and again ends as one that was not, and leaves no program behind', async () => {
    const [disturbed, undisturbed] = [programs(), programs()]
    const chance = stream(3, 'kills of programs')
    const run = ['run', 'study.ts', '--slots', '1', '--json']
    for (let kill = 0; kill < 3; kill++) {
      const driver = startTune(disturbed.dir, run)
      let left = 2 + chance.below(25)
      driver.stdout?.on('data', () => --left === 0 && driver.kill('SIGKILL'))
      await ended(driver)
    }
    expect((await disturbed.tune(...run)).code).toBe(0)
    expect((await undisturbed.tune(...run)).code).toBe(0)
    expect(await trialsIn(disturbed)).toEqual(await trialsIn(undisturbed))
    expect(aliveIn(disturbed)).toEqual([])
  })

  test('that is told to stop ends its programs, and is resumed', async () => {
    const work = programs()
    const driver = startTune(work.dir, ['run', 'study.ts', '--slots', '2'])
    driver.stdout?.once('data', () => setTimeout(() => driver.kill('SIGTERM'), 300))
    expect((await ended(driver)).code).toBe(143)
    expect(aliveIn(work)).toEqual([])
    expect((await work.tune('resume', 'programs')).code).toBe(0)
  })

  test('says why programs fail, and stops when all do', async () => {
    const work = workspace({ 'study.ts': study({ script: 'no-such-trainer.sh' }) })
    const { code, stdout } = await work.tune('run', 'study.ts')
    expect(code).toBe(5)
    expect(stdout).toContain('sh no-such-trainer.sh ended with exit code')
    expect(stdout).toContain('cannot open no-such-trainer.sh')
  })

  test('ends a program whose trial has used up its time', async () => {
    const work = programs({ budget: 'trials: 1, steps: 9, trialSeconds: 0.3' })
    work.write('trainer.sh', trainer.replace('sleep 0.02', 'sleep 1000'))
    const { stdout } = await work.tune('run', 'study.ts', '--slots', '1')
    expect(stdout).toContain('took longer than its budget of 0.3 s')
    await sleep(50)
    expect(aliveIn(work)).toEqual([])
  })
})
