// npm run bench -- <name> [options]: bundles bench/<name>.ts and runs it.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const [name = '', ...options] = process.argv.slice(2)
const here = fileURLToPath(new URL('.', import.meta.url))
if (!existsSync(`${here}${name}.ts`)) {
  const names = readdirSync(here).filter((file) => file.endsWith('.ts'))
  console.error(`usage: npm run bench -- <${names.map((file) => file.replace('.ts', '')).join('|')}> [options]`)
  process.exit(2)
}

// Inside node_modules, so that packages are found from there.
const outfile = `${here}../node_modules/.cache/panoptune-bench/${name}.mjs`
await build({
  entryPoints: [`${here}${name}.ts`],
  outfile,
  bundle: true,
  platform: 'node',
  format: 'esm',
  packages: 'external',
})
process.exitCode =
  spawnSync(process.execPath, [outfile, ...options], { stdio: 'inherit', cwd: `${here}..` }).status ?? 1
