import { expect, test } from 'vitest'
import { deathError, type Death } from '../../src/trials/death.ts'
import { isOutOfMemory, parseKernelKills } from '../../src/trials/memory_errors.ts'
import { failureOf } from '../../src/trials/report.ts'

const HEAP = `
<--- Last few GCs --->
[77:0x1]  812 ms: Mark-Compact 62.3 (66.1) -> 62.0 (66.3) MB, 21.4 / 0.0 ms

FATAL ERROR: Ineffective mark-compacts near heap limit Allocation failed - JavaScript heap out of memory
 1: 0xb82d78 node::OOMErrorHandler(char const*, v8::OOMDetails const&) [node]
 2: 0xf06250 v8::Utils::ReportOOMFailure [node]
`

test.each<[string, Partial<Death>, string, string]>([
  ['an exit', { code: 7 }, 'trial/lost', 'its process ended by itself with exit code 7'],
  ['a crash', { signal: 'SIGSEGV' }, 'trial/lost', 'its process crashed: it used memory that is not its own (SIGSEGV)'],
  ['the end of the heap', { signal: 'SIGABRT', lastWords: HEAP }, 'trial/oom', 'its process ran out of memory: FATAL ERROR: Ineffective mark-compacts near heap limit Allocation failed - JavaScript heap out of memory'], // prettier-ignore
  ["C++'s end of memory", { signal: 'SIGABRT', lastWords: "terminate called after throwing an instance of 'std::bad_alloc'\n" }, 'trial/oom', "its process ran out of memory: terminate called after throwing an instance of 'std::bad_alloc'"], // prettier-ignore
  ['an assertion', { signal: 'SIGABRT', lastWords: 'x.cc:3: Assertion `n > 0` failed.\n' }, 'trial/lost', 'its process gave up (SIGABRT): x.cc:3: Assertion `n > 0` failed.'], // prettier-ignore
  ['kill -9', { signal: 'SIGKILL' }, 'trial/lost', 'its process was killed (SIGKILL)'],
  ["the kernel's kill for want of memory", { signal: 'SIGKILL', kernelKilled: true }, 'trial/oom', 'its process was ended by the kernel: out of memory'], // prettier-ignore
  ['an unknown signal', { signal: 'SIGUSR2' }, 'trial/lost', 'its process was ended (SIGUSR2)'],
])('a process that died by %s says so', (_, death, code, message) => {
  const error = deathError({ code: null, signal: null, lastWords: '', kernelKilled: false, ...death })
  expect(failureOf(error)).toEqual({ state: 'failed', code, message })
})

test.each([
  'Worker terminated due to reaching memory limit: JS heap out of memory',
  'Array buffer allocation failed',
  'Failed to allocate memory for requested buffer of size 80000000',
  'torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB',
  'CUBLAS failure 3: CUBLAS_STATUS_ALLOC_FAILED ; GPU=0',
])('an error that says %s is out of memory', (message) => {
  expect(isOutOfMemory(new RangeError(message))).toBe(true)
  expect(failureOf(new Error(message))).toMatchObject({ code: 'trial/oom' })
})

test('an error that says something else of memory is not', () => {
  expect(isOutOfMemory(new Error('memory at most 4000 is not kept'))).toBe(false)
})

test('how often the kernel has ended a process for want of memory is read of its counters', () => {
  expect(parseKernelKills('pgfault 12\noom_kill 3\nnuma_hit 4\n')).toBe(3)
  expect(parseKernelKills('pgfault 12\n')).toBeUndefined()
})
