import type { View } from './augment.ts'
import type { Normalisation } from './normalisation.ts'

/** Turns `count` RGB pixels, from pixel `from` on, into a network's inputs. */
export type Develop = (pixels: Uint8Array, from: number, count: number, out: Float32Array, place: Place) => void

/** Where inputs go: the first at `at`, the next `step` further, each channel `plane` behind the one before. */
interface Place {
  readonly at: number
  readonly step: 1 | -1
  readonly plane: number
}

/** How a view's pixels become inputs: colour first, then contrast and brightness, clamped to what a photograph has. */
export function developer(view: View, normalisation: Normalisation): Develop {
  const isPlain = view.saturation === 1 && view.hue === 0
  return isPlain ? byTable(view, normalisation) : byMatrix(view, normalisation)
}

/** Channel by channel, the input for each of the 256 values is looked up. */
function byTable(view: View, { mean, deviation }: Normalisation): Develop {
  const table = new Float32Array(3 * 256)
  for (let channel = 0; channel < 3; channel++) {
    for (let value = 0; value < 256; value++) {
      const clamped = Math.min(1, Math.max(0, litShare(value / 255, view)))
      table[channel * 256 + value] = (clamped - mean[channel]!) / deviation[channel]!
    }
  }
  return (pixels, from, count, out, { at, step, plane }) => {
    for (let i = 3 * from, to = at; i < 3 * (from + count); i += 3, to += step) {
      out[to] = table[pixels[i]!]!
      out[to + plane] = table[256 + pixels[i + 1]!]!
      out[to + 2 * plane] = table[512 + pixels[i + 2]!]!
    }
  }
}

function byMatrix(view: View, { mean, deviation }: Normalisation): Develop {
  const matrix = colourMatrix(view.saturation, view.hue).map((share) => (view.contrast * share) / 255)
  const base = litShare(0, view)
  return (pixels, from, count, out, { at, step, plane }) => {
    for (let i = 3 * from, to = at; i < 3 * (from + count); i += 3, to += step) {
      const [red, green, blue] = [pixels[i]!, pixels[i + 1]!, pixels[i + 2]!]
      for (let channel = 0, k = 0; channel < 3; channel++, k += 3) {
        const lit = base + matrix[k]! * red + matrix[k + 1]! * green + matrix[k + 2]! * blue
        const clamped = lit < 0 ? 0 : lit > 1 ? 1 : lit
        out[to + channel * plane] = (clamped - mean[channel]!) / deviation[channel]!
      }
    }
  }
}

/** A share of the full range after contrast, which is around mid-grey, and brightness. */
function litShare(share: number, { contrast, brightness }: View): number {
  return 0.5 + contrast * (share - 0.5) + brightness
}

/*
 * The matrices `saturate` and `hueRotate` of the W3C's Filter Effects Module, feColorMatrix, which share these two: what
 * a colour has of grey, and a quarter turn of the rest.
 */
const GREY = [0.213, 0.715, 0.072]
const QUARTER_TURN = [
  [-0.213, -0.715, 0.928],
  [0.143, 0.14, -0.283],
  [-0.787, 0.715, 0.072],
]

/** 3 x 3, row-major. Greys stay as they are. */
function colourMatrix(saturation: number, hue: number): Float64Array {
  const [along, across] = [saturation * Math.cos(2 * Math.PI * hue), saturation * Math.sin(2 * Math.PI * hue)]
  const entries = QUARTER_TURN.flatMap((row, i) =>
    row.map((turned, k) => GREY[k]! + along * (Number(i === k) - GREY[k]!) + across * turned),
  )
  return Float64Array.from(entries)
}
