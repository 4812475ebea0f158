import { expect, test } from 'vitest'
import { erfc, erfcx } from '../src/erfc.ts'

// scipy 1.10: special.erfc and special.erfcx
const reference = [
  [-3, 1.9999779095030015, 16205.988853999586],
  [-0.4, 1.4283923550466684, 1.676233956688859],
  [0.1, 0.8875370839817152, 0.8964569799691268],
  [0.46875, 0.507386526782062, 0.632069689249556],
  [0.5, 0.4795001221869535, 0.6156903441929258],
  [1, 0.15729920705028516, 0.427583576155807],
  [3.9, 3.479224859723178e-8, 0.14031418160068973],
  [4.1, 6.7000276540849075e-9, 0.13383411641865198],
  [10, 2.0884875837625446e-45, 0.05614099274382259],
  [26, 5.663192408856145e-296, 0.02168358485056291],
  [1e4, 0, 5.641895807268084e-5],
] as const

test.each(reference)(
  'the error functions at %d are right in all digits but those that rounding takes',
  (x, plain, scaled) => {
    expect(Math.abs(erfc(x) - plain)).toBeLessThanOrEqual(2e-15 * (1 + x * x) * plain)
    expect(Math.abs(erfcx(x) / scaled - 1)).toBeLessThan(4e-15)
  },
)
