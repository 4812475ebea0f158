import type { Category } from '../data/image_set.ts'
import type { Center } from './centers.ts'
import type { HeadMaps } from './decode.ts'
import { centerGrid, nearestIn, type CenterGrid } from './nearest.ts'

/** What every pixel of an image belongs to. */
export interface Groups {
  /** height x width: 0 none, 1 + class for stuff, 1 + classes + centre for things. */
  readonly groups: Uint16Array
  /** centres x classes: pixels of each class at each centre. */
  readonly votes: Uint32Array
  /** Pixels of each stuff class. */
  readonly stuff: Uint32Array
}

/** Gives every pixel to a group. Stuff comes in runs, which are filled and counted whole. */
export function groupPixels(maps: HeadMaps, centers: readonly Center[], categories: readonly Category[]): Groups {
  const { height, width, offset } = maps
  const classes = categories.length
  const { keys, roles } = pixelKeys(maps, categories, centers.length > 0)
  const grid = centers.length > 0 ? centerGrid(centers, height, width) : undefined
  const pixels = height * width
  const groups = new Uint16Array(pixels)
  const votes = new Uint32Array(centers.length * classes)
  const stuff = new Uint32Array(classes)
  for (let y = 0, i = 0; y < height; y++) {
    for (const end = i + width; i < end;) {
      const from = i
      const key = keys[i]!
      do i++
      while (i < end && keys[i] === key)
      const role = roles[key + 1]!
      const category = key < classes ? key : key - classes
      if (role === STUFF) {
        groups.fill(1 + category, from, i)
        stuff[category]! += i - from
      } else if (role === THING && grid) {
        groupRun(grid, offset, pixels, y, from - y * width, from, i, 1 + classes, groups, votes, classes, category)
      }
    }
  }
  return { groups, votes, stuff }
}

const NOTHING = 0
export const STUFF = 1
export const THING = 2

/**
 * One key a pixel that says its class and whether it is part of a thing: the class, plus the number of classes where a
 * foreground mask is set. `roles` says by 1 + key what that makes of the pixel: without a mask the class decides; with one,
 * foreground is thing whatever its class, and the class of a thing outside it is nothing. Without centres there are no
 * things, and the mask is not looked at.
 */
export function pixelKeys({ semantic, foreground }: HeadMaps, categories: readonly Category[], hasCenters: boolean) {
  const isThing = categories.map((category) => category.isThing)
  if (!foreground || !hasCenters) {
    return { keys: semantic, roles: Uint8Array.of(NOTHING, ...isThing.map((thing) => (thing ? THING : STUFF))) }
  }
  const classes = categories.length
  const keys = semantic.map((category, i) => (category < 0 ? -1 : foreground[i] ? category + classes : category))
  const behind = isThing.map((thing) => (thing ? NOTHING : STUFF))
  return { keys, roles: Uint8Array.of(NOTHING, ...behind, ...isThing.map(() => THING)) }
}

/** A run of thing pixels of one class in row y: each goes to the centre nearest to where its offset leads. */
function groupRun(
  grid: CenterGrid,
  offset: Float32Array,
  pixels: number,
  y: number,
  x: number,
  from: number,
  to: number,
  first: number,
  groups: Uint16Array,
  votes: Uint32Array,
  classes: number,
  category: number,
): void {
  // Neighbours mostly share a centre: their votes are cast together.
  let current = -1
  let since = from
  for (let i = from; i < to; i++, x++) {
    const center = nearestIn(grid, Math.fround(y + offset[i]!), Math.fround(x + offset[i + pixels]!))
    groups[i] = first + center
    if (center === current) continue
    if (current >= 0) votes[current * classes + category]! += i - since
    current = center
    since = i
  }
  votes[current * classes + category]! += to - since
}
