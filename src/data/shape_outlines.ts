/** Signed distance from an outline in its own frame, in pixels: negative inside. Exact near the outline. */
export type Outline = (x: number, y: number) => number

export function disc(radius: number): Outline {
  return (x, y) => Math.hypot(x, y) - radius
}

export function ring(radius: number): Outline {
  const middle = 0.72 * radius
  return (x, y) => Math.abs(Math.hypot(x, y) - middle) - (radius - middle)
}

export function box(halfWidth: number, halfHeight: number): Outline {
  return (x, y) => {
    const [right, below] = [Math.abs(x) - halfWidth, Math.abs(y) - halfHeight]
    return Math.hypot(Math.max(right, 0), Math.max(below, 0)) + Math.min(Math.max(right, below), 0)
  }
}

/**
 * A star of so many points, whose notches lie at `inner` times the radius. With `inner` at cos(pi / points) the notches
 * vanish, and it is a regular polygon.
 */
export function star(points: number, radius: number, inner: number): Outline {
  const half = Math.PI / points
  // All its edges are mirror images of one, from the tip (radius, 0) to the notch; `a`, `b` is that edge's normal.
  const [notchX, notchY] = [inner * radius * Math.cos(half), inner * radius * Math.sin(half)]
  const length = Math.hypot(notchX - radius, notchY)
  const [a, b] = [notchY / length, (radius - notchX) / length]
  return (x, y) => {
    const turned = Math.abs(Math.atan2(y, x)) % (2 * half)
    const angle = turned > half ? 2 * half - turned : turned
    const distance = Math.hypot(x, y)
    return (distance * Math.cos(angle) - radius) * a + distance * Math.sin(angle) * b
  }
}
