import { expect, test } from 'vitest'
import { tinyStudy, workspace } from './tune.ts'

const study = (bound: number) => tinyStudy(`constraints: [atMost('seconds', ${bound})],`).replace('import {', 'import { atMost,') // prettier-ignore

test('a plan and a summary say what results have to keep, and that none does', async () => {
  const { tune } = workspace({ 'loose.ts': study(9), 'tight.ts': study(1).replace("'tiny'", "'tight'") })
  expect((await tune('run', 'loose.ts', '--dry-run')).stdout).toContain('maximize pq, keeping seconds at most 9')
  expect((await tune('run', 'loose.ts', '--slots', '1')).stdout).not.toContain('breaks')
  const { stdout, code } = await tune('run', 'tight.ts', '--slots', '1')
  expect(code).toBe(0)
  expect(stdout.replaceAll(/\s+/g, ' ')).toContain('it breaks seconds at most 1: no trial keeps all constraints')
})
