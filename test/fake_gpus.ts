import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** What nvidia-smi prints of two GPUs: the first in use by others, the second idle. */
export const TWO_GPUS = `printf '0, GPU-aaaa1111, NVIDIA H100 80GB HBM3, 81559, 1024, 80535, 12\\n1, GPU-bbbb2222, NVIDIA RTX 4090, 24564, 300, 24264, 0\\n'`

/** What it prints of a GPU that is divided by MIG. */
export const TWO_PARTS = `
  case "$1" in
    -L) printf 'GPU 0: A100 (UUID: GPU-a)\\n  MIG 1g.5gb Device 0: (UUID: MIG-1)\\n  MIG 1g.5gb Device 1: (UUID: MIG-2)\\n' ;;
    *) echo '0, GPU-a, A100, 40960, 0, 40960, 0' ;;
  esac
`

/**
 * An environment where `nvidia-smi` is a shell script that lies in a directory, and where that directory also holds the
 * locks of slots: neither a real GPU nor another test is met.
 */
export function withSmi(dir: string, script: string): Readonly<Record<'PATH' | 'TMPDIR', string>> {
  const bin = join(dir, 'bin')
  mkdirSync(bin, { recursive: true })
  writeFileSync(join(bin, 'nvidia-smi'), `#!/bin/sh\n${script}\n`)
  chmodSync(join(bin, 'nvidia-smi'), 0o755)
  return { PATH: `${bin}${delimiter}${process.env['PATH']}`, TMPDIR: dir }
}
