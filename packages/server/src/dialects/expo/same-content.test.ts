import type { App } from '@hotpatch/api'
import { fixedClock, publishFiles, startTestServer, type TestServer } from '@hotpatch/testkit'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { exportOf } from '@hotpatch/testkit/expo'

/** Expo §5: an id says which content it has, and the same export is published again and again. */
const DEVICE = '0b0c0d0e-0000-4000-8000-00000000000a'
const clock = fixedClock()
let server: TestServer
let app: App
beforeAll(async () => {
  const env = { HOTPATCH_DEVICE_REQUESTS_PER_MINUTE: '0', HOTPATCH_ADDRESS_EVENTS_PER_MINUTE: '3' }
  server = await startTestServer({ clock, env })
})
afterAll(() => server.close())
beforeEach(async () => {
  app = await server.createTestApp({ checkAccess: 'open' })
  clock.advance(3_600_000)
})

const publish = async (version: string, changes: Record<string, unknown> = {}) => {
  clock.advance(1_000)
  const files = exportOf({ bundle: 'the same bundle' })
  return publishFiles(server, app, { files, platform: 'android', runtimeVersion: '1', version, ...changes })
}

const check = (headers: Record<string, string> = {}, from = '198.51.100.1') =>
  server.request('GET', `/expo/${app.slug}/manifest`, {
    token: null,
    from,
    headers: {
      'expo-platform': 'android',
      'expo-protocol-version': '1',
      'expo-runtime-version': '1',
      'eas-client-id': DEVICE,
      ...headers,
    },
  })
const manifestOf = ({ body }: { body: unknown }) => JSON.parse(/\r\n\r\n(.*)\r\n--/s.exec(String(body))?.[1] ?? '')
const running = (id: string) => ({ 'expo-current-update-id': id })
const device = async () => (await server.request('GET', `/manage/v1/apps/${app.slug}/devices/${DEVICE}`)).body

async function halt(releaseId: string) {
  const { body } = await server.request('GET', `/manage/v1/apps/${app.slug}/rollouts`)
  const { id } = body.items.find((rollout: { releaseId: string }) => rollout.releaseId === releaseId)
  expect(await server.request('POST', `/manage/v1/rollouts/${id}/halt`)).toMatchObject({ status: 200 })
}

test('is up to date with what was published for another runtime version, too', async () => {
  const first = await publish('1.0.0')
  await publish('1.1.0', { runtimeVersion: '2' })
  const { id } = manifestOf(await check())
  expect(await check(running(id))).toMatchObject({ status: 204 })
  expect(await device()).toMatchObject({ currentReleaseId: first.releaseId })
})

test('is up to date with what is below the release that was halted', async () => {
  const first = await publish('1.0.0')
  const second = await publish('1.1.0')
  const { id } = manifestOf(await check())
  await check(running(id))
  expect(await device()).toMatchObject({ currentReleaseId: second.releaseId })
  await halt(second.releaseId)
  expect(await check(running(id))).toMatchObject({ status: 204 })
  expect(await device()).toMatchObject({ currentReleaseId: first.releaseId })
})

test('is taken back by the halt of the release that it came by', async () => {
  const first = await publish('1.0.0')
  const { id } = manifestOf(await check())
  await publish('1.1.0', { runtimeVersion: '2' })
  await halt(first.releaseId)
  expect(String((await check(running(id))).body)).toContain('rollBackToEmbedded')
})

test('is not tried again as another release once it has failed', async () => {
  await publish('1.0.0')
  await publish('1.1.0')
  const { id } = manifestOf(await check())
  expect(await check({ 'expo-recent-failed-update-ids': `"${id}"` })).toMatchObject({ status: 204 })
})

test('fails where the device is, whatever has the same content on another channel', async () => {
  const first = await publish('1.0.0', { channel: 'staging' })
  const second = await publish('1.0.1', { channel: 'production' })
  const third = await publish('1.0.2', { channel: 'beta' })
  for (const [{ releaseId }, channel] of [
    [second, 'production'],
    [first, 'staging'],
    [third, 'beta'],
  ] as const) {
    const told = { 'expo-channel-name': channel, 'eas-client-id': DEVICE }
    const { id } = manifestOf(await check(told))
    await check({ ...told, ...running(id), 'expo-fatal-error': channel })
    const { events } = await device()
    expect(events.find(({ detail }: { detail: string }) => detail === channel)).toMatchObject({ releaseId })
  }
})

test('fails for no more devices by their checks than may report it', async () => {
  const { releaseId } = await publish('1.0.0')
  const { id } = manifestOf(await check())
  const failed = { 'expo-recent-failed-update-ids': `"${id}"` }
  for (let number = 0; number < 6; number++) {
    const told = { 'eas-client-id': `0b0c0d0e-0000-4000-8000-00000000001${number}` }
    // What it is answered is the same.
    expect(await check({ ...told, ...failed }, '203.0.113.1')).toMatchObject({ status: 204 })
  }
  const { body } = await server.request('GET', `/manage/v1/apps/${app.slug}/devices`)
  const counted = body.items.filter((each: { failedReleaseIds: string[] }) => each.failedReleaseIds.includes(releaseId))
  expect(counted).toHaveLength(3)
})
