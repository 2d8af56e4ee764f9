import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

/** Of one test file: it may have many properties, each of which takes its time. */
const PATIENCE_MS = 24 * 3_600_000

export default defineConfig({
  root: fileURLToPath(new URL('../..', import.meta.url)),
  resolve: { alias: { 'fast-check': fileURLToPath(new URL('longer-fast-check.mjs', import.meta.url)) } },
  test: {
    include: ['packages/*/src/**/*.test.ts'],
    testTimeout: PATIENCE_MS,
    hookTimeout: PATIENCE_MS,
  },
})
