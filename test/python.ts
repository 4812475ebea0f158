import { spawnSync } from 'node:child_process'

/** Where a test finds Python and its packages: $PYTHON, $PYTHONPATH. */
export const python = process.env['PYTHON'] ?? '/usr/bin/python3'
const { PATH = '', PYTHONPATH = '' } = process.env
export const pythonEnv = { PATH, PYTHONPATH, PYTHONWARNINGS: 'ignore', LANG: 'C.UTF-8' }

/** Whether Python can run something, such as the import of a module; where it cannot, what is skipped says so. */
function canRun(code: string): boolean {
  const { status } = spawnSync(python, ['-c', code], { env: pythonEnv, stdio: 'ignore' })
  if (status !== 0) console.warn(`skipped: ${python} cannot run: ${code} (set PYTHON or PYTHONPATH)`)
  return status === 0
}

/** The first Optuna with the tables that we share. */
export const hasOptuna = () =>
  canRun('import optuna; assert [int(n) for n in optuna.__version__.split(".")[:2]] >= [3, 2]')

/** What examples/pytorch needs. */
export const hasTorch = () => canRun('import torch, numpy, PIL')
