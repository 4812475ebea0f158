/** The probability that Student's t of a whole number of degrees of freedom is below x. Abramowitz & Stegun 26.7.3 and 4. */
export function studentCdf(x: number, degrees: number): number {
  if (!Number.isFinite(x)) return x > 0 ? 1 : x < 0 ? 0 : Number.NaN
  const angle = Math.atan(x / Math.sqrt(degrees))
  const [sine, cosine] = [Math.sin(angle), Math.cos(angle)]
  const isOdd = degrees % 2 === 1
  let term = isOdd ? cosine : 1
  let sum = degrees === 1 ? 0 : term
  for (let k = isOdd ? 3 : 2; k < degrees; k += 2) {
    term *= (cosine * cosine * (k - 1)) / k
    sum += term
  }
  const between = isOdd ? (2 / Math.PI) * (angle + sine * sum) : sine * sum
  return Math.min(1, Math.max(0, 0.5 + between / 2))
}
