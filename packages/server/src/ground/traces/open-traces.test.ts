import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { systemClock, systemTimers } from '../clock.ts'
import { openTraces } from './open-traces.ts'
import { NO_TRACES } from './traces.ts'

const SOURCES = fileURLToPath(new URL('../../', import.meta.url))
const IMPORTED = /\bfrom '(@opentelemetry\/[^']+|[^']*\/otlp\/[^']+)'/g

test('where nobody collects traces, nothing is in the way of anything', async () => {
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined }
  const given = { clock: systemClock, timers: systemTimers, newId: () => 'id', random: () => 0, log }
  expect(await openTraces(null, given)).toBe(NO_TRACES)
})

test('what makes them is loaded by whoever wants them, and by nobody else', () => {
  const found = globSync('**/*.ts', { cwd: SOURCES })
    .filter((path) => !path.startsWith('ground/traces/otlp/'))
    .flatMap((path) =>
      [...readFileSync(`${SOURCES}/${path}`, 'utf8').matchAll(IMPORTED)].map(([, name]) => `${path}: ${name}`),
    )
  expect(found).toEqual([])
})
