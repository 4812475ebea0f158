import { spawnSync } from 'node:child_process'

/** Where a test finds Python and its packages: $PYTHON, $PYTHONPATH. */
export const python = process.env['PYTHON'] ?? '/usr/bin/python3'
const { PATH = '', PYTHONPATH = '' } = process.env
export const pythonEnv = { PATH, PYTHONPATH, PYTHONWARNINGS: 'ignore', LANG: 'C.UTF-8' }

/** Whether Python has a module; where it has not, what is skipped says so. */
export function hasModule(name: string): boolean {
  const { status } = spawnSync(python, ['-c', `import ${name}`], { env: pythonEnv, stdio: 'ignore' })
  if (status !== 0) console.warn(`skipped: ${python} has no ${name} (set PYTHON or PYTHONPATH)`)
  return status === 0
}
