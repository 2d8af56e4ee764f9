import { createVirtualClock } from '@hotpatch/client/memory'
import { createNodeCrypto } from '@hotpatch/client/node'
import type { HttpRequest } from '@hotpatch/device-ground'
import { array, assert, asyncProperty, boolean, constantFrom, integer, property, record } from 'fast-check'
import { describe, expect, test } from 'vitest'
import vectors from '../../../../vectors/kit/checks.json' with { type: 'json' }
import { chooseChannel } from './channel.ts'
import { NO_RECORD } from './check-record.ts'
import type { KitChecksOptions } from './check-settings.ts'
import { createMemoryCheckStore, createMemorySession, type CheckStore } from './check-store.ts'
import { CHECK_INTERVAL_MS, snoozedUntil, throttledUntil } from './check-times.ts'
import { createKitChecks } from './kit-checks.ts'

const HOUR_MS = 3_600_000

/** An application, with a server that answers as it is told to. */
function application(changes: Partial<KitChecksOptions> & { store?: CheckStore } = {}) {
  const requests: HttpRequest[] = []
  const facts = { isReachable: true, now: Date.parse(vectors.now) }
  const { text, signature } = vectors.manifests.next
  const answer = async () => {
    if (!facts.isReachable) throw new Error('nothing is there')
    return {
      status: 200,
      headers: { 'kit-signature': `ed25519;sig="${signature}"` },
      body: (async function* () {
        yield new TextEncoder().encode(text)
      })(),
    }
  }
  const { store = createMemoryCheckStore(), ...options } = changes
  const create = (ports: Partial<KitChecksOptions['ports']> = {}) =>
    createKitChecks({
      application: 'gateway',
      source: { url: 'https://updates.example.com', appId: vectors.appId },
      publicKeys: [vectors.publicKey],
      channel: 'stable',
      ...options,
      ports: {
        http: {
          open(request) {
            requests.push(request)
            return { response: answer(), abort: () => {} }
          },
        },
        clock: { now: () => facts.now, elapsed: () => 0, after: () => () => {}, random: () => 0 },
        crypto: createNodeCrypto(),
        store,
        session: createMemorySession(),
        readInstalled: async () => vectors.installed,
        ...ports,
      },
    })
  return { requests, facts, create }
}

describe('however an application lives', () => {
  const steps = array(
    record({
      waitMs: integer({ min: 0, max: 30 * HOUR_MS }),
      isReachable: boolean(),
      restarts: boolean(),
    }),
    { minLength: 1, maxLength: 40 },
  )

  test('nobody who did not ask reaches a server twice within 24 hours', () =>
    assert(
      asyncProperty(steps, async (life) => {
        const { requests, facts, create } = application()
        let checks = create()
        const reached: number[] = []
        for (const { waitMs, isReachable, restarts } of life) {
          facts.now += waitMs
          facts.isReachable = isReachable
          if (restarts) checks = create()
          const before = requests.length
          await checks.check()
          if (requests.length > before && isReachable) reached.push(facts.now)
        }
        for (const [index, at] of reached.entries()) {
          if (index > 0) expect(at - (reached[index - 1] ?? 0)).toBeGreaterThanOrEqual(CHECK_INTERVAL_MS)
        }
      }),
      { numRuns: 50 },
    ))

  test('nothing is held up for ever, wherever the clock goes', () => {
    const time = integer({ min: 0, max: 8.64e15 })
    assert(
      property(time, time, time, (lastCheckAt, offlineAt, now) => {
        const kept = { ...NO_RECORD, lastCheckAt, offlineAt, snoozed: { releaseId: 'r', at: lastCheckAt } }
        const until = throttledUntil(kept, now)
        if (until !== undefined) expect(until - now).toBeLessThanOrEqual(CHECK_INTERVAL_MS + 5 * 60_000)
        for (const isRequired of [true, false]) {
          const snoozed = snoozedUntil(kept, { releaseId: 'r', isRequired }, now)
          const most = (isRequired ? 24 : 7 * 24) * HOUR_MS + 5 * 60_000
          if (snoozed !== undefined) expect(snoozed - now).toBeLessThanOrEqual(most)
        }
      }),
    )
  })
})

test('whoever asks at the same time gets the same answer, and one question is sent', async () => {
  const { requests, create } = application()
  const checks = create()
  const outcomes = await Promise.all([
    checks.check(),
    checks.check(),
    checks.check({ isAsked: true }),
    checks.check({ isAsked: true }),
  ])
  expect(new Set(outcomes.map(({ kind }) => kind))).toEqual(new Set(['update_available']))
  // The two that came by themselves, and the two of people.
  expect(requests).toHaveLength(2)
})

test('a store that keeps nothing makes nobody ask more often than allowed', async () => {
  const broken: CheckStore = {
    read: () => Promise.reject(new Error('denied')),
    update: () => Promise.reject(new Error('denied')),
  }
  const { requests, create } = application({ store: broken })
  expect(await create().check()).toMatchObject({ kind: 'check_failed', code: 'storage-failed' })
  expect(requests).toHaveLength(0)
  expect(await create().check({ isAsked: true })).toMatchObject({ kind: 'update_available' })
})

test('what a port throws is an outcome', async () => {
  const { create } = application({
    isEnabled: () => {
      throw new Error('a setting that is none')
    },
  })
  expect(await create().check()).toEqual({
    kind: 'check_failed',
    code: 'check-failed',
    message: 'a setting that is none',
  })
})

test.each([
  ['an application without a name', { application: 'The Gateway' }],
  ['an address without https', { source: { url: 'http://updates.example.com', appId: vectors.appId } }],
  ['no keys', { publicKeys: [] }],
] as [string, Partial<KitChecksOptions>][])('%s is said in the log, and nothing is thrown', async (_what, changes) => {
  const { requests, create } = application(changes)
  expect(await create().check({ isAsked: true })).toMatchObject({ kind: 'check_failed', code: 'installation-invalid' })
  expect(requests).toHaveLength(0)
})

test('tells the server of an installation what it is, and of a page nothing', async () => {
  const known = application({
    installId: 'install-1',
    installerVersion: '1.4.0',
    platform: 'linux',
    architecture: 'arm64',
  })
  await known.create().check()
  expect(known.requests[0]).toMatchObject({
    url: 'https://updates.example.com/personal-kit/stable/latest.json',
    headers: {
      'x-install-id': 'install-1',
      'x-installer-version': '1.4.0',
      'x-kit-release': '2026.05.01',
      'x-kit-platform': 'linux',
      'x-kit-architecture': 'arm64',
      'x-kit-sequence': '7',
    },
  })
  const page = application()
  await page.create().check()
  expect(page.requests[0]?.headers).toEqual({ accept: 'application/json' })
})

test('a process that runs on asks again after an hour while nobody is reached, until it is told to stop', async () => {
  const clock = createVirtualClock({ whenIdle: setImmediate, startAt: Date.parse(vectors.now), random: () => 0 })
  let logged = 0
  await new Promise<void>((resolve) => {
    const { create } = application()
    const stop = create({
      clock,
      http: { open: () => ({ response: Promise.reject(new Error('offline')), abort: () => {} }) },
      log() {
        logged += 1
        if (logged < 5) return
        stop()
        resolve()
      },
    }).start()
  })
  expect(clock.waits().filter((ms) => ms === HOUR_MS)).toHaveLength(4)
  await new Promise(setImmediate)
  expect(logged).toBe(5)
})

test('the channel is of the environment, of the profile, or stable', () => {
  const pick = constantFrom('SUBSTRATUM_UPDATE_CHANNEL', 'KIT_CHANNEL')
  assert(
    property(pick, (variable) => {
      expect(chooseChannel({ environment: { [variable]: ' beta ' }, variable, profile: 'dev' })).toBe('beta')
      expect(chooseChannel({ environment: { [variable]: '' }, variable, profile: 'dev' })).toBe('dev')
      expect(chooseChannel({ variable })).toBe('stable')
    }),
  )
})
