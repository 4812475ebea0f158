import { createHash } from 'node:crypto'
import { TuneError } from '../errors.ts'
import { sameShape, sizeOf, type Graph } from './graph/graph.ts'
import { readTensors, writeTensors, type StoredTensor, type TensorFile } from './safetensors.ts'

/** What a network keeps: the names, shapes and order of its parameters and buffers. */
export type Network = Pick<Graph, 'parameters' | 'buffers'>

/**
 * All that a training has become: with the seed, enough to go on bitwise as if it had never stopped, for everything
 * random follows from the seed and the step. Vectors hold all tensors one after another, in the network's order.
 */
export interface TrainState {
  /** Steps taken. */
  readonly step: number
  readonly weights: Float32Array
  readonly buffers: Float32Array
  /** What the optimizer keeps beside the weights, by its names: `momentum`, `variance`. */
  readonly slots: Readonly<Record<string, Float32Array>>
  /** The losses of all scenes that it was trained on, one after another, where hard examples are mined; else empty. */
  readonly told: Float32Array
}

/** A checkpoint as it was read: whole, for its checksum holds. */
export interface Checkpoint {
  readonly file: string
  readonly step: number
  /** What its writer said of it, such as the model's configuration. */
  readonly about: unknown
  readonly tensors: ReadonlyMap<string, StoredTensor>
}

const FORMAT = 'panoptune checkpoint 1'
const SLOT = 'optimizer.'
const TOLD = 'sampling.told'

/**
 * Keeps a training as a .safetensors file, by rename: parameters and buffers under their names, the optimizer's vectors
 * as `optimizer.<slot>`. `about` is any JSON.
 */
export function saveCheckpoint(file: string, network: Network, state: TrainState, about: unknown): void {
  const tensors = new Map([...split(network.parameters, state.weights), ...split(network.buffers, state.buffers)])
  for (const [name, data] of Object.entries(state.slots)) tensors.set(SLOT + name, { shape: [data.length], data })
  if (state.told.length > 0) tensors.set(TOLD, { shape: [state.told.length], data: state.told })
  const said = { format: FORMAT, step: String(state.step), about: JSON.stringify(about) }
  writeTensors(file, { tensors, metadata: { ...said, sha256: hashOf(said.step, said.about, tensors) } })
}

/** Reads and verifies a checkpoint. Throws `checkpoint/invalid` where it is cut short, altered or none of ours. */
export function readCheckpoint(file: string): Checkpoint {
  const { tensors, metadata } = readTensors(file)
  if (metadata['format'] !== FORMAT) {
    const hint = 'weights of other programs can start a training, but not continue one'
    throw new TuneError('checkpoint/invalid', `${file} was not written by panoptune`, { hint })
  }
  verify(file, { tensors, metadata })
  const { step, about = '' } = metadata
  return { file, step: Number(step), about: parsed(file, about), tensors }
}

function parsed(file: string, json: string): unknown {
  try {
    return JSON.parse(json)
  } catch (cause) {
    throw new TuneError('checkpoint/invalid', `${file}: what it says of its network is no JSON`, { cause })
  }
}

/** Reads weights of whatever program. Those of ours are verified as a checkpoint is; others have no checksum. */
export function readWeights(file: string): Checkpoint['tensors'] {
  const { tensors, metadata } = readTensors(file)
  if (metadata['format'] === FORMAT) verify(file, { tensors, metadata })
  return tensors
}

function verify(file: string, { tensors, metadata: { step = '', about = '', sha256 } }: TensorFile): void {
  if (sha256 === hashOf(step, about, tensors)) return
  const message = `${file}: its checksum does not hold: it was altered after it was written`
  throw new TuneError('checkpoint/invalid', message)
}

/** The state that a checkpoint kept of this very network. Throws `checkpoint/invalid` for any other's. */
export function stateOf({ file, step, tensors }: Checkpoint, network: Network): TrainState {
  const kept = [...network.parameters, ...network.buffers]
  for (const { name, shape } of kept) {
    const stored = tensors.get(name)
    if (stored && sameShape(stored.shape, shape)) continue
    const has = stored ? `has '${name}' as [${stored.shape.join(', ')}]` : `has no '${name}'`
    const hint = 'continue with the settings it was written with; to start another network from it, give it as `from`'
    const message = `${file} is the checkpoint of another model: it ${has}, not [${shape.join(', ')}]`
    throw new TuneError('checkpoint/invalid', message, { hint })
  }
  const names = new Set(kept.map(({ name }) => name))
  const others = [...tensors].filter(([name]) => !names.has(name) && name !== TOLD)
  const unknown = others.find(([name]) => !name.startsWith(SLOT))
  if (unknown) {
    throw new TuneError('checkpoint/invalid', `${file} is the checkpoint of another model: it has '${unknown[0]}' too`)
  }
  return {
    step,
    weights: joined(network.parameters, tensors),
    buffers: joined(network.buffers, tensors),
    slots: Object.fromEntries(others.map(([name, { data }]) => [name.slice(SLOT.length), data])),
    told: tensors.get(TOLD)?.data ?? new Float32Array(0),
  }
}

type Layout = readonly { readonly name: string; readonly shape: readonly number[] }[]

function split(layout: Layout, flat: Float32Array): [string, StoredTensor][] {
  let at = 0
  return layout.map(({ name, shape }) => [name, { shape, data: flat.subarray(at, (at += sizeOf(shape))) }])
}

function joined(layout: Layout, tensors: ReadonlyMap<string, StoredTensor>): Float32Array {
  const flat = new Float32Array(layout.reduce((sum, { shape }) => sum + sizeOf(shape), 0))
  let at = 0
  for (const { name } of layout) {
    const { data } = tensors.get(name)!
    flat.set(data, at)
    at += data.length
  }
  return flat
}

function hashOf(step: string, about: string, tensors: ReadonlyMap<string, StoredTensor>): string {
  const hash = createHash('sha256').update(JSON.stringify([step, about]))
  for (const [name, { shape, data }] of tensors) {
    hash.update(JSON.stringify([name, shape]))
    hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
  }
  return hash.digest('hex')
}
