const NAME = 'OutOfMemoryError'

/** What an executor throws where a trial's process ran out of memory. */
export function memoryError(message: string): Error {
  return Object.assign(new Error(message), { name: NAME })
}

/**
 * Whether an error says that memory was too small, by its name or by the words of those that may say so: V8 for its heap and
 * for arrays, Node.js for a thread, onnxruntime, CUDA and cuDNN, TensorFlow, PyTorch, numpy and C++.
 */
export function isOutOfMemory({ name, message }: Error): boolean {
  return name === NAME || WORDS.test(message)
}

const WORDS =
  /out of memory|OutOfMemory|reaching memory limit|Array buffer allocation failed|Failed to allocate memory|Available memory of \d+ is smaller than|ALLOC_FAILED|OOM when allocating|Unable to allocate|bad_alloc|MemoryError/i

/** How many processes the kernel has ended since it booted because memory was too small; undefined where none says so. */
export function parseKernelKills(vmstat: string): number | undefined {
  const [, count] = /^oom_kill (\d+)$/m.exec(vmstat) ?? []
  return count === undefined ? undefined : Number(count)
}
