import { expect, test } from 'vitest'
import { wholeView } from '../../src/data/augment.ts'
import { cutImage } from '../../src/data/cut.ts'
import { DEFAULT_NORMALISATION, domainNormalisation, domainOf, normalisationFor } from '../../src/data/normalisation.ts'
import { drawnSet } from './drawn_set.ts'

/** Two folders of noise, one dark and one bright, and a black photograph in a third. */
const set = (() => {
  const drawn = drawnSet(Array.from({ length: 5 }, () => ({ height: 8, width: 6, labelAt: () => 1 })))
  for (let i = 0; i < 3 * 48 * 5; i++) {
    const scene = Math.floor(i / (3 * 48))
    drawn.pixels[i] = scene === 4 ? 0 : (scene < 2 ? 20 : 150) + ((i * 37) % 50) + 10 * (i % 3)
  }
  const folders = ['a/night', 'a/night', 'day', 'day', 'black']
  return { ...drawn, scenes: drawn.scenes.map((scene, i) => ({ ...scene, file: `${folders[i]}/${i}.png` })) }
})()

function inputs(indices: readonly number[]): readonly (readonly number[])[] {
  const normalisation = domainNormalisation(set)
  const out = new Float32Array(3 * 48)
  const channels: number[][] = [[], [], []]
  for (const scene of indices.map((index) => set.scenes[index]!)) {
    cutImage(set, scene, wholeView(8, 6), normalisationFor(scene, normalisation), out)
    for (const [channel, values] of channels.entries()) values.push(...out.subarray(channel * 48, (channel + 1) * 48))
  }
  return channels
}

test('every domain has zero mean and unit variance, channel by channel', () => {
  for (const domain of [
    [0, 1],
    [2, 3],
  ]) {
    for (const values of inputs(domain)) {
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length
      const variance = values.reduce((sum, value) => sum + value ** 2, 0) / values.length
      expect(mean).toBeCloseTo(0, 5)
      expect(variance).toBeCloseTo(1, 5)
    }
  }
})

test('a domain without any variation stays finite', () => {
  expect(
    inputs([4])
      .flat()
      .every((value) => value === 0),
  ).toBe(true)
})

test('a photograph belongs to the folder it lies in', () => {
  expect(['a/b/x.png', 'x.png', 'a\\x.png'].map((file) => domainOf({ file }))).toEqual(['a/b', '', 'a'])
})

test('a photograph of an unknown domain is normalised as all training images together', () => {
  const normalisation = domainNormalisation(set)
  for (const file of ['fog/1.png', 'constructor/1.png']) {
    expect(normalisationFor({ file }, normalisation)).toBe(normalisation.others)
  }
  expect(normalisationFor({ file: 'fog/1.png' }, DEFAULT_NORMALISATION)).toBe(DEFAULT_NORMALISATION)
})
