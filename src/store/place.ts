import { isTuneError } from '../errors.ts'
import { encodeSpace, fitParams, spaceSpec, type Params, type Point, type Space } from '../space.ts'

/**
 * Stored params as they are in a space that may have changed since: what is new is at its default, what is gone stays to
 * be shown. The point is empty where a value lies outside the space, or is no longer a choice.
 */
export function placeIn(space: Space, params: Params): { readonly params: Params; readonly point: Point } {
  try {
    return { params, point: encodeSpace(space, params) }
  } catch {
    const fitted = fitParams(spaceSpec(space), params)
    const point = pointOf(space, fitted)
    return point ? { params: { ...params, ...fitted }, point } : { params, point: [] }
  }
}

function pointOf(space: Space, params: Params): Point | undefined {
  try {
    return encodeSpace(space, params)
  } catch (error) {
    if (isTuneError(error)) return undefined
    throw error
  }
}
