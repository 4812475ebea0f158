import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    alias: [
      { find: /^panoptune$/, replacement: fileURLToPath(new URL('./src/index.ts', import.meta.url)) },
      { find: /^panoptune\/eval$/, replacement: fileURLToPath(new URL('./src/eval/index.ts', import.meta.url)) },
    ],
  },
})
