import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

type Built = Pick<typeof import('../../src/store/sqlite.ts'), 'openSqliteStore'>

/** The store as it is built, since it starts a thread of its own file: `npm run build` makes it what the sources say. */
export const { openSqliteStore } = (await import(pathToFileURL(resolve('dist/store/sqlite.js')).href)) as Built
