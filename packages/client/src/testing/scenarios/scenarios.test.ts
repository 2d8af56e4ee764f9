import { readdirSync, readFileSync } from 'node:fs'
import { describe, test } from 'vitest'
import { playScenario } from './play-scenario.ts'
import type { ScenarioFile } from './scenario.ts'

// vectors/engine/scenarios
const FOLDER = new URL('../../../../../vectors/engine/scenarios/', import.meta.url)

describe.each(readdirSync(FOLDER).toSorted())('%s', (name) => {
  const file = JSON.parse(readFileSync(new URL(name, FOLDER), 'utf8')) as ScenarioFile
  test.each(file.cases)('$comment', (each) => playScenario(file, each))
})
