import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    // Two at a time on any machine: many test files start servers and databases, and timings should not depend on cores.
    maxWorkers: 2,
    projects: [
      {
        test: {
          name: 'modules',
          include: ['packages/*/src/**/*.test.ts', 'bench/**/*.test.ts'],
          testTimeout: 20_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'journeys',
          include: ['tests/**/*.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 300_000,
          // They start real processes and bundlers: after everything that is quick.
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
})
