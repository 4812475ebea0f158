/** Things that cost time to make, kept for the next who needs one that is alike. */
export interface Idle<T> {
  /** One that was put back under this key, no longer kept, or undefined. */
  take(key: string): T | undefined
  /** Keeps one; of too many the one that waited longest is disposed of. */
  put(key: string, item: T): Promise<void>
}

export function keepIdle<T>(most: number, dispose: (item: T) => Promise<void>): Idle<T> {
  const kept: { readonly key: string; readonly item: T }[] = []
  return {
    take(key) {
      const at = kept.findIndex((entry) => entry.key === key)
      return at < 0 ? undefined : kept.splice(at, 1)[0]?.item
    },
    async put(key, item) {
      kept.push({ key, item })
      if (kept.length > most) await dispose(kept.shift()!.item)
    },
  }
}
