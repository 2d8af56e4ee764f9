import { defineConfig } from 'vitest/config'
import { LongestFirst } from './vitest.sequencer.ts'

/**
 * No test says how long something may take, on a machine that may be busy: these are for what never comes. What is waited
 * for may be late, and its test has time left to say what came instead.
 */
const WAITED_FOR_MS = 120_000

export default defineConfig({
  test: {
    globalSetup: ['./packages/testkit/src/run-directory.ts', './packages/testkit/src/migrated-postgres.ts'],
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          name: 'modules',
          include: ['packages/*/src/**/*.test.ts', 'bench/**/*.test.ts', 'fuzz/**/*.test.ts'],
          // As many on any machine: many test files start servers and databases, and now and then wait for one.
          maxWorkers: 3,
          // Loading the server takes two seconds, which most files would take anew. Nothing of ours keeps anything in a module.
          isolate: false,
          testTimeout: 300_000,
          hookTimeout: 300_000,
          expect: { poll: { timeout: WAITED_FOR_MS } },
        },
      },
      {
        test: {
          name: 'journeys',
          include: ['tests/**/*.test.ts'],
          // They start real processes and bundlers, and wait for them: after everything that is quick.
          maxWorkers: 4,
          // As above: each would load the server anew, and ask anew where the server and the tool start from.
          isolate: false,
          sequence: { groupOrder: 1 },
          testTimeout: 600_000,
          hookTimeout: 600_000,
          expect: { poll: { timeout: WAITED_FOR_MS } },
        },
      },
    ],
  },
})
