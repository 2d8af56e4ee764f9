import { readInstalledKit, readKitManifest, type InstalledComponent, type KitManifest } from '@hotpatch/protocol'
import { assert, constantFrom, dictionary, integer, option, property, record, subarray } from 'fast-check'
import { describe, expect, test } from 'vitest'
import vectors from '../../../../vectors/kit/plans.json' with { type: 'json' }
import type { KitError } from '../ground/kit-error.ts'
import { describePlan, planAsJson } from './describe-plan.ts'
import type { KitPlan } from './kit-plan.ts'
import { artifactsOf, planKit, type PlanInput } from './plan.ts'
import { machineOf } from './this-machine.ts'

type Case = (typeof vectors.cases)[number]

function inputOf({ manifest, installed, inspected, places, machine }: Case): PlanInput {
  const manifestText = JSON.stringify(manifest)
  const found = Object.entries(inspected as Record<string, { version: string; artifact_digest: string }>)
  return {
    manifest: readKitManifest(manifestText),
    manifestText,
    installed: installed === null ? undefined : readInstalledKit(JSON.stringify(installed)),
    inspected: Object.fromEntries(
      found.map(([id, { version, artifact_digest: digest }]) => [id, { version, sha256: digest.slice(7) }]),
    ),
    installation: { components: Object.fromEntries(places.map((path) => [path, { path }])) },
    machine: machine as PlanInput['machine'],
  }
}

describe('what would be done (vectors/kit/plans.json)', () => {
  test.each(vectors.cases)('$comment', (given) => {
    const input = inputOf(given)
    if ('code' in given) {
      expect(() => planKit(input)).toThrow(expect.objectContaining({ code: given.code }) as KitError)
    } else {
      expect(planAsJson(planKit(input))).toEqual(given.plan)
    }
  })
})

const IDS = ['edge', 'gateway', 'shell', 'web']

function manifestOf(digests: Record<string, number>, isOptional: readonly string[]): KitManifest {
  const components = Object.entries(digests).map(([id, digest], order) => [
    id,
    {
      version: `${digest}.0`,
      kind: 'files',
      order,
      optional: isOptional.includes(id),
      files: [
        {
          platform: 'any',
          architecture: 'any',
          format: 'zip',
          artifact_digest: `sha256:${digestOf(digest)}`,
          size_bytes: 1_000 + digest,
        },
      ],
    },
  ])
  return readKitManifest(
    JSON.stringify({
      schema_version: 1,
      app_id: '0197f0c2-7f0a-7c3e-9a55-2b1d6f1e8a01',
      release_id: 'next',
      channel: 'stable',
      sequence: 2,
      floor: 0,
      created_at: '2026-06-02T12:00:00.000Z',
      severity: 'informational',
      components: Object.fromEntries(components),
    }),
  )
}

const digestOf = (digest: number) => digest.toString(16).padStart(2, '0').repeat(32)

const worlds = record({
  offered: dictionary(constantFrom(...IDS), integer({ min: 1, max: 4 }), { minKeys: 1 }),
  optional: subarray(IDS),
  places: subarray(IDS),
  installed: option(dictionary(constantFrom(...IDS), integer({ min: 1, max: 4 }))),
})

interface World {
  offered: Record<string, number>
  optional: readonly string[]
  places: readonly string[]
  installed: Record<string, number> | null
}

function inputIn({ offered, optional, places, installed }: World): PlanInput {
  const components = Object.entries(installed ?? {}).map(([id, digest]): [string, InstalledComponent] => [
    id,
    { version: `${digest}.0`, sha256: digestOf(digest) },
  ])
  return {
    manifest: manifestOf(offered, optional),
    manifestText: '',
    installed:
      installed === null
        ? undefined
        : { releaseId: 'before', channel: 'stable', components: Object.fromEntries(components), document: {} },
    inspected: {},
    installation: { components: Object.fromEntries(places.map((path) => [path, { path }])) },
    machine: { platform: 'linux', architecture: 'arm64' },
  }
}

function tryPlan(input: PlanInput): KitPlan | undefined {
  try {
    return planKit(input)
  } catch (error) {
    expect(error).toMatchObject({ code: 'partial-kit' })
    return undefined
  }
}

test('a plan names every component once, keeps the order, and comes to nothing once it was done', () => {
  assert(
    property(worlds, (world) => {
      const input = inputIn(world)
      const plan = tryPlan(input)
      if (!plan) return
      const { manifest } = input
      const named = [...plan.steps.map(({ component }) => component.id), ...plan.left.map(({ id }) => id)]
      expect(named.toSorted()).toEqual(manifest.components.map(({ id }) => id).toSorted())
      const orders = plan.steps.map(({ component }) => manifest.components.indexOf(component))
      expect(orders).toEqual(orders.toSorted((a, b) => a - b))
      expect(plan.downloadBytes).toBe(artifactsOf(plan.steps).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0))
      expect(plan.neededBytes).toBeGreaterThanOrEqual(plan.downloadBytes)
      expect(describePlan(plan).join('\n')).toContain('next')

      const done = plan.steps.map(({ component, file }) => [
        component.id,
        { version: component.version, sha256: file?.sha256 },
      ])
      const again = planKit({ ...input, inspected: Object.fromEntries(done) as PlanInput['inspected'] })
      expect(again.steps).toEqual([])
    }),
  )
})

test('what was missing and is added makes a plan, and no plan has a required component that is not installed', () => {
  assert(
    property(worlds, (world) => {
      const plan = tryPlan(inputIn(world))
      const absent = plan?.left.filter(({ because }) => because === 'not-installed').map(({ id }) => id) ?? []
      expect(absent.filter((id) => !world.optional.includes(id))).toEqual([])
      const whole = inputIn({ ...world, places: Object.keys(world.offered), installed: null })
      expect(planKit(whole).left).toEqual([])
    }),
  )
})

test('people read what changes, for how long, and what cannot be undone', () => {
  const find = (comment: string) => vectors.cases.find((each) => each.comment === comment) as Case
  expect(describePlan(planKit(inputOf(find('Everything is newer, in its order.'))))).toEqual([
    'From 2026.06.01 to 2026.06.02 (security).',
    '  web (files): 1.0.0 → 2.0.0, 1.00 kB',
    '  gateway (binary): 1.0.0 → 2.0.0, 5.00 kB',
    '  edge (template): 1.0.0 → 2.0.0, 300 bytes',
    'Downloads 6.30 kB; needs about 20.9 kB of free disk.',
    'About 30 s of downtime.',
  ])
  expect(describePlan(planKit(inputOf(find('What cannot be undone is said.'))))).toContain(
    'Cannot be undone once it is applied: schema.',
  )
})

test('a process knows its machine in the words of manifests', () => {
  expect(machineOf({ platform: 'linux', arch: 'x64' })).toEqual({ platform: 'linux', architecture: 'x86_64' })
  expect(machineOf({ platform: 'darwin', arch: 'arm64' })).toEqual({ platform: 'macos', architecture: 'arm64' })
  expect(machineOf({ platform: 'freebsd', arch: 'riscv64' })).toEqual({ platform: 'any', architecture: 'riscv64' })
})
