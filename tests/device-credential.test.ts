import type { App, Guard } from '@hotpatch/api'
import { createEngine } from '@hotpatch/client'
import { createMemoryFiles } from '@hotpatch/client/memory'
import { systemClock, createNodeCrypto } from '@hotpatch/client/node'
import { bundleOf, injectHttp, INJECTED_URL, startTestServer, type TestServer } from '@hotpatch/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'

let server: TestServer
let app: App

beforeAll(async () => {
  server = await startTestServer()
  app = await server.createTestApp({ deviceCredentials: 'required', trust: { observedMinutes: 0 } })
})
afterAll(() => server.close())

/** A phone: its storage outlives its starts. */
function createPhone(deviceId: string, deviceCredential: boolean) {
  const files = createMemoryFiles()
  const clock = { ...systemClock(), now: () => server.clock.now() }
  return async () => {
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
        deviceCredential,
      },
    )
    const launch = await engine.start()
    await engine.confirm()
    await engine.sync()
    await engine.flushReports()
    return launch.kind === 'embedded' ? 'embedded' : launch.version
  }
}

test('the engine gets a credential and counts; one that asks for none is updated, and does not count', async () => {
  const { rolloutId } = await server.published(app, { bundle: await bundleOf('1.0.0'), version: '1.0.0' })
  const [phone, old] = [createPhone('phone', true), createPhone('old-phone', false)]
  for (const open of [phone, old]) {
    expect(await open()).toBe('embedded')
    expect(await open()).toBe('1.0.0')
  }
  await server.request('GET', `/manage/v1/apps/${app.slug}/devices?limit=1`)
  const { figures }: Guard = (await server.request('GET', `/manage/v1/rollouts/${rolloutId}/guard`)).body
  expect(figures).toMatchObject({ sample: 1, bad: 0, leftOut: { devices: 0 } })
  expect(figures.leftOut.unprovenReports).toBeGreaterThan(0)
})
