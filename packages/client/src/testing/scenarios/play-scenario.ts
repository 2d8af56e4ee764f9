import { expect } from 'vitest'
import { MARKER } from '../../state/storage-layout.ts'
import { loosened } from './expectation.ts'
import { bytesOfBody, createLife, type Life } from './life.ts'
import type { ScenarioCase, ScenarioDevice, ScenarioFile, ScenarioObservation, ScenarioStep } from './scenario.ts'
import { createScriptedNetwork } from './scripted-network.ts'

/** vectors/README.md: one case from an empty disk on. Every engine has such a runner. */
export async function playScenario(file: ScenarioFile, { device, steps }: ScenarioCase): Promise<void> {
  const bytesOf = bodiesOf(file)
  const network = createScriptedNetwork(file, bytesOf)
  const life = createLife(mergedDevice(file.device, device), bytesOf, network.on)
  for (const [index, step] of [...file.prelude, ...steps].entries()) {
    const where = `at step ${index + 1}, ${step.do}`
    network.expectExchanges(step.exchanges ?? [])
    const seen = await life.perform(step)
    expect(network.faults(), `${where}:`).toEqual([])
    const expected = expectedOf(step)
    const observed = observe(life, step, seen)
    expect(loosened(observed, expected), `${where}:`).toEqual(expected)
    if ('launch' in step) expectWhole(life, step.launch, file, bytesOf)
  }
}

export function bodiesOf({ bodies }: Pick<ScenarioFile, 'bodies'>): (name: string) => Uint8Array {
  const known = new Map<string, Uint8Array>()
  return (name) => {
    const body = bodies[name]
    if (!body) throw new Error(`the scenario has no body ${name}`)
    const bytes = known.get(name) ?? bytesOfBody(body)
    known.set(name, bytes)
    return bytes
  }
}

export function mergedDevice(device: ScenarioDevice, own: Partial<ScenarioDevice> = {}): ScenarioDevice {
  return {
    ...device,
    ...own,
    config: { ...device.config, ...own.config },
    limits: { ...device.limits, ...own.limits },
    host: { ...device.host, ...own.host },
  }
}

const ALWAYS_COMPARED = ['states', 'events', 'restarts'] as const
const COMPARED = [...ALWAYS_COMPARED, 'result', 'launch', 'outcome', 'status', 'files', 'json', 'operations'] as const

function expectedOf(step: ScenarioStep): ScenarioObservation {
  return Object.fromEntries(COMPARED.flatMap((name) => (name in step ? [[name, step[name]]] : [])))
}

/** Of what was seen, what this step says anything of; and what nothing may be seen of unless the step says so. */
function observe(life: Life, step: ScenarioStep, seen: ScenarioObservation): ScenarioObservation {
  const files = step.files || step.json ? life.files() : {}
  const all: ScenarioObservation = {
    ...seen,
    ...(step.status !== undefined && { status: life.status() }),
    ...(step.files && { files }),
    ...(step.json && { json: Object.fromEntries(Object.keys(step.json).map((path) => [path, jsonAt(files, path)])) }),
  }
  const isCompared = (name: string) => name in step || (ALWAYS_COMPARED as readonly string[]).includes(name)
  return Object.fromEntries(Object.entries(all).filter(([name]) => isCompared(name)))
}

function jsonAt(files: Record<string, unknown>, path: string): unknown {
  const found = files[path] as { json: unknown } | undefined
  return found === undefined ? null : found.json
}

/** Every file compared, none more, none fewer. */
export function expectWhole(
  life: Life,
  launch: unknown,
  { releases }: Pick<ScenarioFile, 'releases'>,
  bytesOf: (name: string) => Uint8Array,
) {
  const launched = launch as { kind: string; slot: string; releaseId: string }
  if (launched.kind === 'embedded') return
  const tree = life.disk().tree(`ota/${launched.slot}`)
  tree?.delete(MARKER)
  const expected = Object.entries(releases[launched.releaseId] ?? {}).map(
    ([path, name]) => [path, bytesOf(name)] as const,
  )
  expect(tree, `the files of ${launched.releaseId}`).toEqual(new Map(expected))
}
