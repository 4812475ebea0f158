/** Chance that Student's t, with so many whole degrees of freedom, lies at least this far from 0, on either side. */
export function studentP(t: number, degrees: number): number {
  if (Number.isNaN(t)) return Number.NaN
  if (degrees < 1) return 1
  // Abramowitz & Stegun 26.7.3 and 26.7.4: a finite sum over powers of the cosine.
  const theta = Math.atan(Math.abs(t) / Math.sqrt(degrees))
  const [sine, cosine] = [Math.sin(theta), Math.cos(theta)]
  const isOdd = degrees % 2 === 1
  let term = isOdd ? cosine : 1
  let sum = degrees === 1 ? 0 : term
  for (let k = isOdd ? 3 : 2; k <= degrees - 2; k += 2) {
    term *= (cosine * cosine * (k - 1)) / k
    sum += term
  }
  const within = isOdd ? (2 / Math.PI) * (theta + sine * sum) : sine * sum
  return Math.min(1, Math.max(0, 1 - within))
}

/** How far from 0 Student's t reaches 95 times in 100; infinite without a degree of freedom. */
export function student95(degrees: number): number {
  if (degrees < 1) return Infinity
  let [low, high] = [1.9, 13]
  for (let halving = 0; halving < 50; halving++) {
    const middle = (low + high) / 2
    if (studentP(middle, degrees) > 0.05) low = middle
    else high = middle
  }
  return high
}

/** The chance that Student's t lies below x. */
export function studentCdf(x: number, degrees: number): number {
  const beyond = studentP(x, degrees) / 2
  return x > 0 ? 1 - beyond : beyond
}
