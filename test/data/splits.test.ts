import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { writeShapes } from '../../src/data/shapes.ts'
import { openSplits } from '../../src/data/splits.ts'
import { temporaryDir } from '../temporary.ts'

const few = { size: 32, train: 2, val: 4, heldout: 3 }

async function dirOf(): Promise<string> {
  const dir = join(temporaryDir(), 'set')
  await writeShapes(dir, few)
  return dir
}

describe('splits', () => {
  test('hold out the split that a directory has for it', async () => {
    const { train, val, heldOut } = await openSplits({ data: await dirOf(), cacheDir: temporaryDir() })
    expect([train, val, heldOut].map(({ scenes }) => scenes.length)).toEqual([2, 4, 3])
  })

  test('hold out every second val image where a directory has no split for it, and say so', async () => {
    const data = await dirOf()
    for (const part of ['panoptic_heldout.json', 'panoptic_heldout', 'images/heldout'])
      rmSync(join(data, part), { recursive: true })
    const said: string[] = []
    const { val, heldOut } = await openSplits({ data, cacheDir: temporaryDir(), progress: (text) => said.push(text) })
    const ids = [...val.scenes, ...heldOut.scenes].map(({ imageId }) => imageId)
    expect(val.scenes).toHaveLength(2)
    expect(new Set(ids).size).toBe(4)
    expect(val.id).not.toBe(heldOut.id)
    expect(said.join()).toMatch(/every second val image is held out/)
  })

  test('do not take a damaged held-out split for an absent one', async () => {
    const data = await dirOf()
    rmSync(join(data, 'images/heldout'), { recursive: true })
    await expect(openSplits({ data, cacheDir: temporaryDir() })).rejects.toThrow(/heldout/)
  })

  test('refuse splits whose categories are not those of the training set', async () => {
    const data = await dirOf()
    const file = join(data, 'panoptic_val.json')
    writeFileSync(file, readFileSync(file, 'utf8').replace('"disc"', '"ball"'))
    await expect(openSplits({ data, cacheDir: temporaryDir() })).rejects.toThrow(/categories of split 'val'.*ball/)
  })

  test('ask for a directory where none is given', async () => {
    await expect(openSplits({ data: '', cacheDir: temporaryDir() })).rejects.toMatchObject({ code: 'usage' })
  })
})
