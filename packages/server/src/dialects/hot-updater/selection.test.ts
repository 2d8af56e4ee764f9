import { fixedClock, sha256Of } from '@hotpatch/testkit'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { textOf } from '../../ground/http/made-body.ts'
import type { PlainRequest } from '../../ground/http/plain-request.ts'
import type { OfferedRelease } from '../../updates/catalog-queries.ts'
import type { CheckRoute } from '../../updates/dialect.ts'
import { createUpdateService } from '../../updates/update-service.ts'
import { CHANGE_STEPS, createRollouts, historyOf, which, type ChangeStep } from '../testing/simulated-history.ts'
import { hotUpdater } from './hot-updater.ts'
import { buildIdAt } from './testing/hot-updater-build.ts'
import { createSimulatedClient } from './testing/simulated-client.ts'

const BUILT_AT = Date.parse('2026-01-01')
const DAY = 86_400_000
const dialect = hotUpdater()
const checks = dialect.routes.filter((each): each is CheckRoute => each.kind === 'check')

type Client = ReturnType<typeof createSimulatedClient>

function requestOf(client: Client): { request: PlainRequest; route: CheckRoute } {
  const words = `/hot-updater/demo${client.path('production')}`.split('/')
  const route = checks.find(({ path }) => {
    const pattern = path.split('/')
    return pattern.length === words.length && pattern.every((word, at) => word.startsWith(':') || word === words[at])
  })
  if (!route) throw new Error(`Nothing answers ${words.join('/')}.`)
  const named = route.path
    .split('/')
    .flatMap((word, at): [string, string][] =>
      word.startsWith(':') ? [[word.slice(1), decodeURIComponent(words[at] ?? '')]] : [],
    )
  const headers = client.headers()
  const request = {
    method: 'GET',
    path: route.path,
    params: Object.fromEntries(named),
    appName: undefined,
    query: {},
    body: undefined,
    bodyBytes: 0,
    address: '127.0.0.1',
    publicUrl: 'https://updates.example.com',
    header: (name: string) => headers[name],
  }
  return { request, route }
}

function releaseOf(number: number, buildId: string): OfferedRelease {
  return {
    id: `01890000-0000-7000-8000-${String(number).padStart(12, '0')}`,
    version: `${number}.0.0`,
    sequence: number,
    floor: 0,
    keyId: null,
    isStated: false,
    requirement: {},
    kind: 'archive',
    content: { kind: 'archive', sha256: sha256Of(Buffer.from(buildId)), sizeBytes: 1, buildId },
    exportedBy: 'hot-updater',
    buildId,
    held: { files: null },
    variants: [],
    notes: '',
    signature: null,
    statement: null,
    statementSignature: null,
  }
}

/** A server of one catalog, as the desk has it. */
function createServer({ isOriginal }: { isOriginal: boolean }) {
  const clock = fixedClock('2026-06-01T00:00:00Z')
  const rollouts = createRollouts()
  const failures = new Map<string, Set<string>>()
  const updates = createUpdateService({
    clock,
    failedReleaseIds: (_app, device) => [...(failures.get(device) ?? [])],
    cohortsOf: () => [],
    allowsDeviceCohorts: () => true,
    takesOf: (_dialect, told) => dialect.takes(told),
  })

  function place(target: OfferedRelease | 'embedded', percentage: number, cohorts: readonly string[]): void {
    const buildId = target === 'embedded' ? undefined : (target.buildId ?? undefined)
    const original = isOriginal && buildId !== undefined
    const salted = { buckets: 1_000 as const, salt: buildId }
    const drawn = original ? salted : { buckets: 10_000 as const }
    rollouts.place(target, {
      startsAt: null,
      audience: { devices: [], cohorts, percentage, rules: [], slice: null, ...drawn },
    })
  }

  function answer(client: Client) {
    const { request, route } = requestOf(client)
    const { check, events = [] } = route.read(request)
    const answered = updates.answer(rollouts.catalog(), { ...check, dialect: 'hot-updater' })
    const known = failures.get(check.deviceId ?? '') ?? new Set()
    for (const { subject } of events) {
      const told = 'buildId' in subject ? subject.buildId : ''
      const failed = rollouts.findTarget(({ buildId }) => buildId === told)
      if (failed) known.add(failed.id)
    }
    if (check.deviceId !== null) failures.set(check.deviceId, known)
    return { answered, rendered: route.render(answered, request) }
  }

  return { clock, place, change: (step: ChangeStep) => rollouts.change(step, clock.now()), answer }
}

type Step =
  | { do: 'publish'; builtDaysAgo: number; percentage: number; which: number }
  | { do: 'place-again' | 'place-embedded'; percentage: number; which: number }
  | { do: 'poll' | 'start'; which: number }
  | ChangeStep

const percentage = fc.constantFrom(100, 100, 50, 10, 0)
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    // Most are published when they are built; what is built before and published after is a way back to the client.
    arbitrary: fc.record({
      do: fc.constant('publish' as const),
      builtDaysAgo: fc.constantFrom(0, 0, 0, 30, 100),
      percentage,
      which,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constantFrom('place-again' as const, 'place-embedded' as const), percentage, which }),
  },
  ...CHANGE_STEPS,
  { weight: 6, arbitrary: fc.record({ do: fc.constantFrom('poll' as const, 'start' as const), which }) },
)

const history = historyOf(step)

test.each([
  { rule: 'its own', isOriginal: false },
  { rule: "hot-updater's", isOriginal: true },
])('whatever happens, clients that $rule rule draws end with what is decided', ({ isOriginal }) => {
  fc.assert(
    fc.property(history, fc.uniqueArray(fc.nat(10), { maxLength: 3 }), (steps, bad) => {
      const server = createServer({ isOriginal })
      const releases: OfferedRelease[] = []
      const starts = (id: string) => !bad.includes(releases.findIndex(({ buildId }) => buildId === id))
      const own = { platform: 'android', appVersion: '1.0.0', minBundleId: buildIdAt(BUILT_AT), starts } as const
      const clients = [
        createSimulatedClient({ ...own, cohort: '1' }),
        createSimulatedClient({ ...own, cohort: '740', deviceId: 'device-1' }),
        createSimulatedClient({ ...own, cohort: 'qa' }),
        createSimulatedClient({ ...own, cohort: undefined }),
        // Its binary is later than some of the builds.
        createSimulatedClient({ ...own, cohort: '1000', minBundleId: buildIdAt(Date.parse('2026-04-15')) }),
        createSimulatedClient({ ...own, cohort: undefined, deviceId: 'device-2' }),
      ]
      const poll = (client: Client) => {
        const { answered, rendered } = server.answer(client)
        return { answered, taken: client.take(textOf(rendered.body)) }
      }
      for (const [each, pauseMs] of steps) {
        server.clock.advance(pauseMs)
        const client = clients[each.which % clients.length]
        const cohorts = each.which % 3 === 0 ? ['qa'] : []
        switch (each.do) {
          case 'publish': {
            const number = releases.length + 1
            const release = releaseOf(number, buildIdAt(server.clock.now() - each.builtDaysAgo * DAY, number))
            releases.push(release)
            server.place(release, each.percentage, cohorts)
            break
          }
          case 'place-again':
          case 'place-embedded': {
            const again =
              each.do === 'place-embedded' ? 'embedded' : releases[each.which % Math.max(releases.length, 1)]
            if (again) server.place(again, each.percentage, cohorts)
            break
          }
          case 'end':
          case 'pause':
          case 'resume':
          case 'widen':
            server.change(each)
            break
          case 'poll':
            if (client) poll(client)
            break
          case 'start':
            client?.launch()
        }
      }
      for (const client of clients) {
        for (let round = 0; round < bad.length + 3; round++) {
          client.launch()
          poll(client)
        }
        client.launch()
        const runs = client.running()
        const { answered, taken } = poll(client)
        const release = releases.find(({ buildId }) => buildId === runs)
        expect(answered.device.currentReleaseId).toBe(release?.id ?? null)
        if (release) expect(runs.localeCompare(client.binary)).toBe(1)
        const tells = client.headers()['x-device-id'] !== undefined
        // A client that tells nobody what crashed is offered it again, and says no by itself.
        if (!tells && taken === 'crashed-before') continue
        expect([taken, answered.decision.kind]).toEqual(['nothing', 'up-to-date'])
      }
    }),
    { numRuns: Number(process.env.HOT_UPDATER_HISTORIES ?? 200) },
  )
})
