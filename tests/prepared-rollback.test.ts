import type { App, PublishedRelease, Rollout } from '@hotpatch/api'
import { createEngine, type Launch } from '@hotpatch/client'
import { createMemoryFiles } from '@hotpatch/client/memory'
import { systemClock, createNodeCrypto } from '@hotpatch/client/node'
import {
  bundleOf,
  injectHttp,
  INJECTED_URL,
  newSigningKey,
  signRelease,
  startTestServer,
  type TestServer,
} from '@hotpatch/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'

const DEVICES = 60

/** The whole way: a publisher signs, real devices crash, and nobody is at the keyboard. */
let server: TestServer
let app: App
const key = newSigningKey()

beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server.close())

async function sign(version: string, sequence: number) {
  const bundle = await bundleOf(version)
  return signRelease(key, { appId: app.id, platform: 'android', version, sequence, bundle })
}

async function publish(version: string, sequence: number, back?: { version: string; sequence: number }) {
  const again = back && (await sign(back.version, back.sequence))
  const prepared = again && {
    rollbackStatement: again.statement,
    rollbackStatementSignature: again.statementSignature,
  }
  const signatures = { ...(await sign(version, sequence)), ...prepared }
  const guard = { action: 'roll-back', maxTimesPrevious: null } as const
  return server.published(app, { bundle: await bundleOf(version), version, signatures, guard })
}

/** A phone: its storage outlives its starts. */
function createPhone(deviceId: string) {
  const files = createMemoryFiles()
  const clock = { ...systemClock(), now: () => server.clock.now() }
  const start = async () => {
    const host = { nativeVersion: '1.0', platform: 'android' as const }
    const engine = createEngine(
      { files, clock, host, http: injectHttp(server), crypto: createNodeCrypto() },
      {
        serverUrl: INJECTED_URL,
        appKey: app.appKey,
        appId: app.id,
        deviceId,
        channel: 'production',
        allowInsecure: 'loopback',
        publicKeys: [key.publicKey],
      },
    )
    return { engine, launch: await engine.start() }
  }

  async function update(): Promise<string> {
    const { engine, launch } = await start()
    await engine.confirm()
    await engine.sync()
    return versionOf(launch)
  }

  /** Its first start runs, a second one finds that it does not work. */
  async function crash(): Promise<void> {
    const { engine } = await start()
    await engine.crashed()
    await (await start()).engine.flushReports()
  }

  return { start, update, crash }
}

function versionOf(launch: Launch): string {
  return launch.kind === 'embedded' ? 'embedded' : launch.version
}

async function newestRollout(): Promise<Rollout | undefined> {
  const { body } = await server.request('GET', `/manage/v1/apps/${app.slug}/rollouts`)
  return (body.items as Rollout[])[0]
}

/** Good, then bad: every phone gets the bad one, many of which never had another. */
async function tripOn(bad: PublishedRelease, phones: ReturnType<typeof createPhone>[]): Promise<void> {
  for (const phone of phones) await phone.update()
  for (const [index, phone] of phones.entries()) {
    if (index % 3 === 0) await phone.crash()
    else await phone.update()
  }
  await server.request('GET', `/manage/v1/apps/${app.slug}/devices/phone-0`)
  await server.app.tick()
  const { body } = await server.request('GET', `/manage/v1/rollouts/${bad.rolloutId}/guard`)
  expect(body).toMatchObject({ state: 'tripped', trip: { action: 'roll-back', figures: { sample: DEVICES, bad: 20 } } })
}

async function crashingRelease(prepared: boolean) {
  // Its fleet lives for a moment.
  app = await server.createTestApp({ trust: { observedMinutes: 0 } })
  const good = await publish('1.0.0', 1)
  const bad = await publish('1.1.0', 2, prepared ? { version: '1.0.0', sequence: 3 } : undefined)
  const phones = Array.from({ length: DEVICES }, (_, index) => createPhone(`phone-${index}`))
  await tripOn(bad, phones)
  return { good, bad, phones }
}

test('devices on the bad release take the roll-back that its publisher signed in advance', async () => {
  const { good, phones } = await crashingRelease(true)
  expect(await newestRollout()).toMatchObject({ releaseId: good.releaseId, sequence: 3, createdBy: 'guard' })
  // On 1.1.0, and it never ran anything else: it has no copy of 1.0.0 to go back to.
  const phone = phones[1]
  expect(await phone?.update()).toBe('1.1.0')
  expect(await phone?.update()).toBe('1.0.0')
  expect((await phone?.start())?.engine.status()).toMatchObject({ highWater: 3 })
})

test('without one, they go back to what their binary shipped with, as they take nothing that nobody signed for now', async () => {
  const { good, phones } = await crashingRelease(false)
  expect(await newestRollout()).toMatchObject({ releaseId: good.releaseId, sequence: null })
  const phone = phones[1]
  expect(await phone?.update()).toBe('1.1.0')
  expect(await phone?.update()).toBe('embedded')
  // Those that had crashed are where they can start.
  expect(await phones[0]?.update()).toBe('embedded')
})
