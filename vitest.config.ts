import { defineConfig } from 'vitest/config'

/**
 * No test says how long something may take, on a machine that may be busy: these are for what never comes. What is waited
 * for may be late, and its test has time left to say what came instead.
 */
const WAITED_FOR_MS = 120_000

export default defineConfig({
  test: {
    // Two at a time on any machine: many test files start servers and databases, and timings should not depend on cores.
    maxWorkers: 2,
    projects: [
      {
        test: {
          name: 'modules',
          include: ['packages/*/src/**/*.test.ts', 'bench/**/*.test.ts'],
          testTimeout: 180_000,
          hookTimeout: 180_000,
          expect: { poll: { timeout: WAITED_FOR_MS } },
        },
      },
      {
        test: {
          name: 'journeys',
          include: ['tests/**/*.test.ts'],
          testTimeout: 600_000,
          hookTimeout: 600_000,
          expect: { poll: { timeout: WAITED_FOR_MS } },
          // They start real processes and bundlers: after everything that is quick.
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
})
