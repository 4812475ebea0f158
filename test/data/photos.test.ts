import sharp from 'sharp'
import { expect, test } from 'vitest'
import { decodePhoto } from '../../src/data/photos.ts'
import { decodeIds } from '../../src/data/png.ts'

const [width, height] = [20, 10]
const plain = sharp({ create: { width, height, channels: 3, background: { r: 200, g: 100, b: 50 } } })

test('a photograph keeps the orientation of its stored pixels, whatever its EXIF says', async () => {
  const turned = await plain.clone().withMetadata({ orientation: 6 }).jpeg().toBuffer()
  const photo = await decodePhoto(turned, 'a.jpg')
  expect([photo.width, photo.height, photo.pixels.length]).toEqual([width, height, 3 * width * height])
})

test('a colour profile changes no pixel', async () => {
  const png = await plain.clone().withIccProfile('p3').png().toBuffer()
  const [stored] = decodeIds(png, 'a.png').ids
  const [red, green, blue] = (await decodePhoto(png, 'a.png')).pixels
  expect(red! + 256 * green! + 65_536 * blue!).toBe(stored)
  expect([red, green, blue]).not.toEqual([200, 100, 50])
})

test('grey, 16-bit, palette and transparent photographs become three channels of 8 bits', async () => {
  const kinds = {
    grey: await plain.clone().toColourspace('b-w').jpeg().toBuffer(),
    deep: await plain.clone().toColourspace('rgb16').png().toBuffer(),
    palette: await plain.clone().png({ palette: true }).toBuffer(),
    transparent: await plain.clone().ensureAlpha(0.5).png().toBuffer(),
  }
  expect((await sharp(kinds.grey).metadata()).channels).toBe(1)
  expect((await sharp(kinds.deep).metadata()).depth).toBe('ushort')
  const colours = await Promise.all(Object.values(kinds).map(async (bytes) => (await decodePhoto(bytes, 'a')).pixels))
  expect(colours.map((pixels) => pixels.length)).toEqual(colours.map(() => 3 * width * height))
  const [grey, ...others] = colours.map((pixels) => [...pixels.subarray(0, 3)])
  expect(new Set(grey).size).toBe(1)
  expect(others).toEqual(others.map(() => [200, 100, 50]))
})

test('a JPEG that ends too early is refused by name', async () => {
  const jpeg = await plain.clone().jpeg().toBuffer()
  await expect(decodePhoto(jpeg.subarray(0, jpeg.length - 60), 'photos/a.jpg')).rejects.toMatchObject({
    code: 'data/invalid',
    message: expect.stringContaining('photos/a.jpg: the photograph cannot be read: '),
  })
})
