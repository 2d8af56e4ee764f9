import { readdirSync, readFileSync } from 'node:fs'
import { describe, test } from 'vitest'
import { playScenario } from './play-scenario.ts'
import type { ScenarioFile } from './scenario.ts'

const VECTORS = new URL('../../../../../vectors/', import.meta.url)
const names = readdirSync(new URL('engine/scenarios/', VECTORS)).toSorted()

describe.each([...names.map((name) => `engine/scenarios/${name}`), 'edge/scenarios.json'])('%s', (path) => {
  const file = JSON.parse(readFileSync(new URL(path, VECTORS), 'utf8')) as ScenarioFile
  test.each(file.cases)('$comment', (each) => playScenario(file, each))
})
