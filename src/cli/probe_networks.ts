import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { TuneError, type ErrorCode } from '../errors.ts'
import type { NetworkCost, NetworkLoad } from '../models/network_cost.ts'
import { ARCHITECTURES, BACKBONES, type ModelOptions } from '../models/zoo.ts'
import { known } from './options.ts'

/** A network and its name in the table. */
export interface ProbedNetwork extends NetworkCost {
  readonly network: string
}

interface NetworksProbe extends Omit<NetworkLoad, 'model'> {
  readonly signal: AbortSignal
  readonly say: (message: string) => void
}

/** Measures every network of the zoo, one after another, each in a process of its own: so none has another's memory. */
export async function probeNetworks({ signal, say, ...load }: NetworksProbe): Promise<readonly ProbedNetwork[]> {
  const costs: ProbedNetwork[] = []
  const all = zoo()
  for (const [i, { network, model }] of all.entries()) {
    say(`${network} (${i + 1} of ${all.length})`)
    costs.push({ network, ...(await measure({ ...load, model }, signal)) })
  }
  return costs
}

/** Every backbone under the first architecture, every other architecture, and the dual decoder, all at their defaults. */
function zoo(): readonly { readonly network: string; readonly model: ModelOptions }[] {
  const [first, ...others] = ARCHITECTURES
  return [
    ...BACKBONES.map((name) => ({ network: name, model: { name: first, backbone: { name } } as ModelOptions })),
    ...others.map((name) => ({ network: name, model: { name } as ModelOptions })),
    { network: 'dual decoder', model: { name: 'panoptic_deeplab', neck: { name: 'aspp' }, split: 'neck' } },
  ]
}

async function measure(load: NetworkLoad, signal: AbortSignal): Promise<NetworkCost> {
  const { stdout } = await promisify(execFile)(process.execPath, [script, JSON.stringify(load)], { signal })
  const { cost, refusal } = JSON.parse(stdout) as Answer
  if (cost) return cost
  const { code, message, hint } = refusal!
  throw new TuneError(code, message, known({ hint }))
}

/** What the script prints: one of the two. */
interface Answer {
  readonly cost?: NetworkCost
  readonly refusal?: { readonly code: ErrorCode; readonly message: string; readonly hint?: string }
}

const script = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? '../../dist/cli/probe_network.js' : './probe_network.js', import.meta.url),
)
