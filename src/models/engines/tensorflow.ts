import { createRequire } from 'node:module'
import { messageOf, TuneError } from '../../errors.ts'
import { HINTS } from './hints.ts'

/** TensorFlow.js, of whichever package: all share the interface of its core. */
export type TensorFlow = typeof import('@tensorflow/tfjs-core')
export type TfTensor = ReturnType<TensorFlow['tensor']>
export type TfImages = ReturnType<TensorFlow['tensor4d']>

/** The packages that run it natively, which users install themselves, the faster first. */
const PACKAGES = ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'] as const

const require = createRequire(import.meta.url)

interface Installed {
  readonly name: string
  readonly version: string
}

/** Loads it: from then on this process holds the last GPU that `CUDA_VISIBLE_DEVICES` shows to it. */
export function loadTensorFlow(): TensorFlow {
  const installed = usableTensorFlow()
  try {
    return require(installed.name) as TensorFlow
  } catch (cause) {
    throw new TuneError('device/none', `${installed.name} ${installed.version} does not load: ${messageOf(cause)}`, {
      hint: `npm rebuild ${installed.name} --build-addon-from-source; or train with --device cpu`,
      cause,
    })
  }
}

/** The package that could be loaded here; an error says why there is none. */
export function usableTensorFlow(): Installed {
  const installed = PACKAGES.map(versionOf).find((found) => found !== undefined)
  if (!installed) throw new TuneError('device/none', 'TensorFlow.js is not installed', { hint: HINTS.tfjs })
  // Its native part calls functions of node:util that Node 23 removed; the fix was never released.
  const [major = 0] = process.versions.node.split('.').map(Number)
  if (major < 23) return installed
  throw new TuneError('device/none', `${installed.name} ${installed.version} breaks in Node ${process.versions.node}`, {
    hint: 'use Node 20 or 22; or train with --device cpu',
  })
}

function versionOf(name: string): Installed | undefined {
  try {
    return { name, version: (require(`${name}/package.json`) as { version: string }).version }
  } catch {
    return undefined
  }
}
