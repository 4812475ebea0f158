import { messageOf, TuneError } from '../errors.ts'
import { MOST_PIXELS } from './png_file.ts'

/** A photograph as RGB, row by row; 0 to 255. */
export interface Photo {
  readonly width: number
  readonly height: number
  readonly pixels: Uint8Array
}

/**
 * The stored pixels of a JPEG or PNG: neither turned by EXIF nor converted by a colour profile, because labels belong
 * to the pixels as they are stored. Grey ones get three equal channels. `file` names it in messages.
 */
export async function decodePhoto(bytes: Uint8Array, file: string): Promise<Photo> {
  const sharp = await loadSharp()
  try {
    // 'error' refuses truncated files but not the harmless oddities that some COCO photographs have.
    const { data, info } = await sharp(bytes, { ignoreIcc: true, failOn: 'error', limitInputPixels: MOST_PIXELS })
      .toColourspace('srgb')
      .removeAlpha()
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true })
    return { width: info.width, height: info.height, pixels: data }
  } catch (error) {
    throw new TuneError('data/invalid', `${file}: the photograph cannot be read: ${messageOf(error)}`, {
      hint: 'photographs are JPEG or PNG; fetch or write the file again',
      cause: error,
    })
  }
}

let loading: Promise<typeof import('sharp').default> | undefined

/** Loads libvips on first use; it leaves the cores to whoever asked, and keeps nothing that is read only once. */
function loadSharp(): Promise<typeof import('sharp').default> {
  loading ??= import('sharp').then(({ default: sharp }) => {
    sharp.concurrency(1)
    sharp.cache(false)
    return sharp
  })
  return loading
}
