import { afterEach, describe, expect, test, vi } from 'vitest'
import { gpuMemoryBytes, nvidiaGpus } from '../../../src/models/engines/nvidia.ts'
import { TWO_GPUS, withSmi } from '../../fake_gpus.ts'
import { temporaryDir } from '../../temporary.ts'

afterEach(() => vi.unstubAllEnvs())

/** What is found where `nvidia-smi` is a shell script of ours. */
function gpusWith(script: string, mask?: string): ReturnType<typeof nvidiaGpus> {
  vi.stubEnv('PATH', withSmi(temporaryDir(), script).PATH)
  return nvidiaGpus(mask)
}

test('GPUs are found with their names, memory and use', async () => {
  const [first, second] = [
    { uuid: 'GPU-aaaa1111', name: 'NVIDIA H100 80GB HBM3', memoryMiB: 81_559, usedMiB: 1024, freeMiB: 80_535, busyPercent: 12 }, // prettier-ignore
    { uuid: 'GPU-bbbb2222', name: 'NVIDIA RTX 4090', memoryMiB: 24_564, usedMiB: 300, freeMiB: 24_264, busyPercent: 0 },
  ]
  expect(await gpusWith(TWO_GPUS)).toEqual({ gpus: [first, second] })
  expect(await gpusWith(TWO_GPUS, 'GPU-bbbb')).toEqual({ gpus: [second] })
})

test('a mask that hides all of them is shown, with what it could name', async () => {
  expect(await gpusWith(TWO_GPUS, '-1')).toEqual({
    reason: 'CUDA_VISIBLE_DEVICES=-1 hides all GPUs',
    hint: 'unset it, or name some of 0 (GPU-aaaa1111), 1 (GPU-bbbb2222)',
  })
})

test('of a GPU that does not tell its use, that is not known, and the rest is', async () => {
  const odd = `printf '0, GPU-a, NVIDIA A100, [Insufficient Permissions], [N/A], [Unknown Error], [N/A]\\n'`
  const unknown = { memoryMiB: undefined, usedMiB: undefined, freeMiB: undefined, busyPercent: undefined }
  expect(await gpusWith(odd)).toEqual({ gpus: [{ uuid: 'GPU-a', name: 'NVIDIA A100', ...unknown }] })
})

test('a GPU that has fallen off its bus is left out, and the others keep their numbers', async () => {
  const broken = `
    echo 'Unable to determine the device handle for GPU 0000:01:00.0: Unknown Error'
    echo '0, [Unknown Error], [Unknown Error], [N/A], [N/A], [N/A], [N/A]'
    echo '1, GPU-b, NVIDIA A100, with a comma, 40960, 3, 40957, 0'
  `
  expect(await gpusWith(broken, '1')).toMatchObject({ gpus: [{ uuid: 'GPU-b', name: 'NVIDIA A100, with a comma' }] })
  expect(await gpusWith(broken, '0')).toMatchObject({ reason: 'CUDA_VISIBLE_DEVICES=0 hides all GPUs' })
})

test('parts of GPUs under MIG are found where the mask names them, with the memory that their names tell', async () => {
  const divided = `
    case "$1" in
      -L) cat <<'END' ;;
GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-5c89852c-d268)
  MIG 1g.5gb      Device  0: (UUID: MIG-c6d4f1ef-42e4)
  MIG 3g.20gb     Device  1: (UUID: MIG-cba663e8-9bed)
END
      *) echo '0, GPU-5c89852c-d268, NVIDIA A100-SXM4-40GB, 40960, [N/A], [N/A], [N/A]' ;;
    esac
  `
  expect(await gpusWith(divided, 'MIG-cba')).toMatchObject({
    gpus: [{ uuid: 'MIG-cba663e8-9bed', name: 'NVIDIA A100-SXM4-40GB MIG 3g.20gb', memoryMiB: 20_480 }],
  })
})

describe('nvidia-smi that lists nothing is quoted:', () => {
  test.each([
    ['no GPU', "echo 'No devices were found'; exit 6", /^nvidia-smi fails: No devices were found$/, /driver/],
    ['no GPU, and all is well', "echo 'No devices were found'", /^nvidia-smi lists no GPU: No devices were found$/, /driver/], // prettier-ignore
    ['a driver that was updated', "echo 'Failed to initialize NVML: Driver/library version mismatch'; exit 18", /mismatch$/, /^restart/], // prettier-ignore
    ['a complaint on stderr', "echo 'no such option' >&2; exit 2", /^nvidia-smi fails: no such option$/, /driver/],
    ['nothing', 'exit 9', /^nvidia-smi fails: 9$/, /driver/],
    ['escape codes', "printf '\\033[31mred\\007 \\033]0;title\\007'; exit 1", /^nvidia-smi fails: \[31mred \]0;title$/, /driver/], // prettier-ignore
    ['a line without end', "head -c 5000 /dev/zero | tr '\\0' x; exit 1", /^nvidia-smi fails: x{119}…$/, /driver/],
  ])('%s', async (_, script, reason, hint) => {
    expect(await gpusWith(script)).toEqual({
      reason: expect.stringMatching(reason) as string,
      hint: expect.stringMatching(hint) as string,
    })
  })
})

describe('nvidia-smi is bounded:', () => {
  test('one that prints without end is ended', async () => {
    expect(await gpusWith('exec yes')).toMatchObject({ reason: 'nvidia-smi prints without end' })
  })

  test('a megabyte of junk gives no GPU, and a thousand GPUs are cut', async () => {
    expect(await gpusWith("head -c 1000000 /dev/urandom | tr -d '\\n'")).toMatchObject({ hint: /driver/ as never })
    const many = 'i=0; while [ $i -lt 1000 ]; do echo "$i, GPU-$i, A, 1, 1, 1, 1"; i=$((i + 1)); done'
    const found = await gpusWith(many)
    expect('gpus' in found && found.gpus.length).toBe(256)
  })

  test('one that hangs, with a child that outlives it, is ended in time', async () => {
    const found = await nvidiaGpusIn(300, "trap '' TERM; sleep 30 & sleep 30")
    expect(found).toEqual({ reason: 'nvidia-smi gives no answer within 0.3 s', hint: expect.stringMatching(/restart/) as string }) // prettier-ignore
  })
})

function nvidiaGpusIn(patienceMs: number, script: string): ReturnType<typeof nvidiaGpus> {
  vi.stubEnv('PATH', withSmi(temporaryDir(), script).PATH)
  return nvidiaGpus(undefined, patienceMs)
}

test('the memory in use on a GPU is that of the number which this process knows it by', async () => {
  vi.stubEnv('PATH', withSmi(temporaryDir(), TWO_GPUS).PATH)
  vi.stubEnv('CUDA_VISIBLE_DEVICES', undefined)
  expect([await gpuMemoryBytes(0), await gpuMemoryBytes(1)]).toEqual([1024 * 2 ** 20, 300 * 2 ** 20])
  vi.stubEnv('CUDA_VISIBLE_DEVICES', '1,0')
  expect([await gpuMemoryBytes(0), await gpuMemoryBytes(1)]).toEqual([300 * 2 ** 20, 1024 * 2 ** 20])
  expect(await gpuMemoryBytes(2)).toBe(0)
})
