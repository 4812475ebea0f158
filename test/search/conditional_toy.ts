import { decodeSpace, loguniform, logint, oneOf, ordinal, spaceDims, uniform, type Values } from '../../src/space.ts'
import type { TestFunction } from './functions.ts'

const layer = { width: logint(16, 512), dropout: ordinal(0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6) }
const no = {}

const space = {
  optimizer: oneOf({ sgd: { momentum: uniform(0, 0.99) }, adam: { omb2: loguniform(1e-4, 0.1) }, rmsprop: {} }),
  lr: loguniform(1e-5, 1),
  ...layer,
  second: oneOf({ no, yes: { ...layer, third: oneOf({ no, yes: { ...layer, fourth: oneOf({ no, yes: layer }) } }) } }),
}

type Layer = { readonly width: number; readonly dropout: number }

/** An optimizer and one to four layers, each with parameters of its own; 0 where all are right. */
export const conditionalToy: TestFunction & { readonly space: typeof space } = {
  space,
  dims: spaceDims(space),
  lowest: 0,
  at: (point) => lossOf(decodeSpace(space, point)),
}

function lossOf({ optimizer, lr, width, dropout, second }: Values<typeof space>): number {
  const [base, best] = { sgd: [0.1, -1], adam: [0, -3], rmsprop: [0.25, -3.5] }[optimizer.kind] as [number, number]
  const far = Math.log10(lr) - best
  const layers = [{ width, dropout }, ...chain(second)]
  const sum = layers.reduce((total, next, i) => total + layerLoss(next, i), 0)
  return (
    base +
    0.4 * far ** 2 +
    optimizerLoss(optimizer) +
    0.15 * (layers.length - 3) ** 2 +
    sum / layers.length +
    (0.1 * Math.abs(far) * (layers.length - 1)) / 3
  )
}

function optimizerLoss(optimizer: Values<typeof space>['optimizer']): number {
  if (optimizer.kind === 'sgd') return 2 * (optimizer.momentum - 0.9) ** 2
  return optimizer.kind === 'adam' ? 0.3 * (Math.log10(optimizer.omb2) + 2.5) ** 2 : 0
}

function layerLoss({ width, dropout }: Layer, i: number): number {
  return 0.1 * (Math.log2(width) - (8 - i)) ** 2 + 1.5 * (dropout - 0.1 * (i + 1)) ** 2
}

function chain(second: Values<typeof space>['second']): readonly Layer[] {
  if (second.kind === 'no') return []
  const { third } = second
  if (third.kind === 'no') return [second]
  return third.fourth.kind === 'no' ? [second, third] : [second, third, third.fourth]
}
