/** What `CUDA_VISIBLE_DEVICES` may name: a GPU, or a part of one under MIG. */
export interface Numbered {
  readonly uuid: string
  /** Its number where every GPU is visible; a part of a GPU has none. */
  readonly index: number | undefined
}

/**
 * The devices that `CUDA_VISIBLE_DEVICES` shows to a process, in its order, by CUDA's own rules: numbers, or beginnings of
 * UUIDs of one kind, up to the first that names nothing; one that is named twice hides them all.
 * Sources: CUDA programming guide, environment variables; `_parse_visible_devices` of torch/cuda/__init__.py.
 */
export function visibleOf<T extends Numbered>(all: readonly T[], mask: string): readonly T[] {
  const kind = /^(GPU|MIG)-/.exec(mask)?.[0]
  const shown: T[] = []
  for (const entry of mask.split(',')) {
    const found = kind === undefined ? byNumber(all, entry) : byPrefix(all, entry.trim(), kind)
    if (!found) break
    if (shown.includes(found)) return []
    shown.push(found)
  }
  return shown
}

/** As C's `strtoul` reads it: `1abc` is 1. */
function byNumber<T extends Numbered>(all: readonly T[], entry: string): T | undefined {
  const [, digits] = /^\s*\+?(\d+)/.exec(entry) ?? []
  return digits === undefined ? undefined : all.find(({ index }) => index === Number(digits))
}

function byPrefix<T extends Numbered>(all: readonly T[], entry: string, kind: string): T | undefined {
  const [found, ...others] = entry.startsWith(kind) ? all.filter(({ uuid }) => uuid.startsWith(entry)) : []
  // A full UUID may be the beginning of another, as parts of GPUs were once named: MIG-GPU-5c89852c/7/1 and /7/11.
  return others.length === 0 ? found : all.find(({ uuid }) => uuid === entry)
}
