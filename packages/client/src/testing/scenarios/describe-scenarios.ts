import { describe, expect, test } from 'vitest'
import type { UpdateOutcome } from '../../engine/update-flow.ts'
import type { PublishedRelease } from '../publisher.ts'
import { holdVectors } from './hold-vectors.ts'
import { createScenarioRecorder, type NewScenarioFile, type RecordedLife, type Script } from './record-scenario.ts'
import type { ScenarioDevice } from './scenario.ts'

export type NewScenario = [comment: string, script: Script, device?: Partial<ScenarioDevice>]

/**
 * Lives them all, and holds what is written down of them against vectors/engine/scenarios.
 * @param path where else, from vectors/engine on
 */
export function describeScenarios(
  name: string,
  about: NewScenarioFile,
  scenarios: readonly NewScenario[],
  path = `scenarios/${name}.json`,
): void {
  const recorder = createScenarioRecorder(about)
  describe(`scenarios: ${name}`, () => {
    test.each(scenarios)('%s', (comment, script, device) => recorder.record(comment, script, device))
    test('are what is written down', () => holdVectors(path, recorder.file()))
  })
}

/** From whatever runs to this release, confirmed. */
export async function install(life: RecordedLife, release: PublishedRelease): Promise<void> {
  await stage(life, release)
  await life.boot()
  await life.confirm()
}

export async function stage(life: RecordedLife, release: PublishedRelease): Promise<void> {
  life.server.target = { release }
  await syncs(life, { kind: 'staged', version: release.version })
}

export async function syncs(life: RecordedLife, expected: Partial<UpdateOutcome>): Promise<void> {
  expect((await life.sync()).outcome).toMatchObject(expected)
}

/** The next start, and what it runs. */
export async function runs(life: RecordedLife, version: string, inBackground = false): Promise<void> {
  const { launch } = await life.do({ do: 'boot', ...(inBackground && { inBackground }) })
  const expected = version === 'embedded' ? { kind: 'embedded' } : { kind: 'release', version }
  expect(launch).toMatchObject(expected)
}
