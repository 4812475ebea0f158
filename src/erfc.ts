/**
 * The scaled complementary error function exp(x^2) erfc(x), to 1e-15 of itself: it keeps its digits where erfc itself
 * has long vanished. Rational approximations of Cody 1969, "Rational Chebyshev approximations for the error function".
 */
export function erfcx(x: number): number {
  if (x < 0.46875) return Math.exp(x * x) * erfc(x)
  return x <= 4 ? ratio(C, D, x) : far(x)
}

/** The complementary error function, to 1e-15 of itself but for where it is tiny: there, to that of `exp(-x^2)`. */
export function erfc(x: number): number {
  if (x < -0.46875) return 2 - erfc(-x)
  if (x <= 0.46875) return 1 - x * ratio(A, B, x * x)
  return Math.exp(-x * x) * erfcx(x)
}

/** exp(x^2) erfc(x) for x above 4. */
function far(x: number): number {
  const y = 1 / (x * x)
  return (1 / Math.sqrt(Math.PI) - y * ratio(P, Q, y)) / x
}

/** A quotient of two polynomials; coefficients stand from the highest power down. */
function ratio(above: readonly number[], below: readonly number[], x: number): number {
  return polynomial(above, x) / polynomial(below, x)
}

function polynomial(coefficients: readonly number[], x: number): number {
  let sum = 0
  for (let i = 0; i < coefficients.length; i++) sum = sum * x + coefficients[i]!
  return sum
}

const A = [0.18577770618460315, 3.1611237438705655, 113.86415415105016, 377.485237685302, 3209.3775891384694]
const B = [1, 23.601290952344122, 244.02463793444417, 1282.6165260773723, 2844.236833439171]
const C = [
  2.1531153547440383e-8, 0.5641884969886701, 8.883149794388377, 66.11919063714163, 298.6351381974001, 881.952221241769,
  1712.0476126340707, 2051.0783778260716, 1230.3393547979972,
]
const D = [
  1, 15.744926110709835, 117.6939508913125, 537.1811018620099, 1621.3895745666903, 3290.7992357334597,
  4362.619090143247, 3439.3676741437216, 1230.3393548037495,
]
const P = [
  0.016315387137302097, 0.30532663496123236, 0.36034489994980445, 0.12578172611122926, 0.016083785148742275,
  0.0006587491615298378,
]
const Q = [1, 2.568520192289822, 1.8729528499234673, 0.5279051029514285, 0.06051834131244132, 0.0023352049762686918]
