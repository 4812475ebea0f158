import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** The files below a directory; none where there is no directory. Links are left out: they lead elsewhere, or in circles. */
export function filesBelow(dir: string): readonly string[] {
  if (!statSync(dir, { throwIfNoEntry: false })?.isDirectory()) return []
  const entries = readdirSync(dir, { recursive: true, withFileTypes: true })
  return entries.flatMap((entry) => (entry.isFile() ? [join(entry.parentPath, entry.name)] : []))
}
