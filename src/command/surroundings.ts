import { join, resolve } from 'node:path'
import type { Json } from '../json.ts'
import { writeAtomically } from '../results.ts'
import type { Params } from '../space.ts'
import type { TrialContext } from '../study.ts'
import type { Device } from '../trial.ts'

type Trial = Pick<TrialContext<unknown>, 'number' | 'seed' | 'device' | 'dir' | 'reported' | 'maxSteps' | 'from'>

/** Writes the params where the program may read them: `params.json` and `params.yaml` in the trial's directory. */
export function writeParams(dir: string, params: Params): void {
  writeAtomically(join(dir, 'params.json'), `${JSON.stringify(params, null, 2)}\n`)
  writeAtomically(join(dir, 'params.yaml'), toYaml(params))
}

/** A mapping as YAML, old and new: in YAML 1.1, PyYAML's, 1e-5 is text, and only 1.0e-5 is a number. */
export function toYaml(params: Params): string {
  const lines = Object.entries(params).map(([name, value]) => `${JSON.stringify(name)}: ${toFlow(value)}\n`)
  return lines.length === 0 ? '{}\n' : lines.join('')
}

function toFlow(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(toFlow).join(', ')}]`
  if (typeof value === 'object' && value !== null) {
    return `{${Object.entries(value).map(([name, field]) => `${JSON.stringify(name)}: ${toFlow(field)}`).join(', ')}}` // prettier-ignore
  }
  return typeof value === 'number' ? String(value).replace(/^(-?\d+)e/, '$1.0e') : JSON.stringify(value)
}

/** What the program finds in its environment, over what tune was started with. */
export function environmentOf(params: Params, trial: Trial, inherited: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { number, seed, device, dir, reported, maxSteps, from } = trial
  const ofParams = Object.entries(params).map(([name, value]) => [
    `PANOPTUNE_PARAM_${name.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_')}`,
    typeof value === 'string' ? value : JSON.stringify(value),
  ])
  return {
    // Reports come as they are printed, and trials side by side share the cores: threads that spin while they wait make all
    // of them ten times as slow. Who says otherwise knows better.
    PYTHONUNBUFFERED: '1',
    OMP_NUM_THREADS: String(device.threads),
    OMP_WAIT_POLICY: 'passive',
    ...inherited,
    ...Object.fromEntries(ofParams),
    PANOPTUNE_TRIAL: String(number),
    PANOPTUNE_SEED: String(seed),
    PANOPTUNE_DIR: resolve(dir),
    PANOPTUNE_REPORTED: String(reported),
    PANOPTUNE_DEVICE: deviceName(device),
    PANOPTUNE_STEPS: Number.isFinite(maxSteps) ? String(maxSteps) : undefined,
    PANOPTUNE_FROM: from && resolve(from),
    ...visibleGpu(device),
  }
}

/** As PyTorch names it. A program sees no GPU but its own, the first. */
function deviceName({ kind }: Device): string {
  return kind === 'cuda' ? 'cuda:0' : kind
}

/** CUDA's own numbers are in another order than nvidia-smi's, unless it is told; a uuid is in none. */
function visibleGpu({ kind, index, uuid }: Device): NodeJS.ProcessEnv {
  if (kind === 'cuda') return { CUDA_DEVICE_ORDER: 'PCI_BUS_ID', CUDA_VISIBLE_DEVICES: uuid ?? String(index) }
  return kind === 'cpu' ? { CUDA_VISIBLE_DEVICES: '' } : {}
}
