import { join } from 'node:path'
import type { ImageSet } from '../data/image_set.ts'
import type { Splits } from '../data/splits.ts'
import type { HeadMaps } from './decode.ts'
import { readHeads, writeHeads } from './heads_file.ts'
import { networkKey, stepsOf, trainOnce, type NetworkContext, type NetworkOptions } from './trained_network.ts'

/** What one network says about the images to tune on and those held out. */
export interface NetworkOutputs {
  readonly val: readonly HeadMaps[]
  readonly heldOut: readonly HeadMaps[]
}

/**
 * What one small network, trained once, says about the images of val and held-out: what a study of post-processing needs
 * of a network. It is kept in the cache directory under its options and the sets' contents, and trained again where that
 * is gone or damaged.
 */
export async function networkOutputs(
  { train, val, heldOut }: Splits,
  options: NetworkOptions,
  { cacheDir, progress }: NetworkContext,
): Promise<NetworkOutputs> {
  const fileOf = (set: ImageSet) => join(cacheDir, `${networkKey(train, options)}-${set.id.slice(0, 16)}.heads`)
  const kept = [val, heldOut].map((set) => readHeads(fileOf(set), set))
  if (kept[0] && kept[1]) return { val: kept[0], heldOut: kept[1] }

  progress(`training one network for ${stepsOf(options)} steps; its outputs are kept for the next run`)
  for await (const model of trainOnce(train, { ...options, checkpoints: 'never' }, cacheDir)) {
    const outputs = { val: await model.outputs(val), heldOut: await model.outputs(heldOut) }
    writeHeads(fileOf(val), val, outputs.val)
    writeHeads(fileOf(heldOut), heldOut, outputs.heldOut)
    return outputs
  }
  throw new Error('the training ended without a network')
}
