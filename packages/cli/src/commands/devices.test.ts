import type { App, Device, DeviceWithEvents, Explanation, Page, TimelineEntry } from '@hotpatch/api'
import { eventually } from '@hotpatch/testkit'
import { describe, expect, test } from 'vitest'
import { useServer } from '../testing/server-suite.ts'

const server = useServer()

test('a device is listed, shown and explained', async () => {
  const { write, json, run, app } = await server.createPublisher()
  await write({ 'dist/index.android.bundle': 'bundle' })
  await json(
    'release',
    '--platform',
    'android',
    '--version',
    '1.1.0',
    '--bundle-dir',
    'dist',
    '--rollout',
    '0',
    '--yes',
  )

  const check = { appId: app.id, deviceId: 'phone-1', version: '1.0.0', platform: 'android', channel: 'production' }
  const headers = { 'content-type': 'application/json', 'x-app-key': app.appKey }
  const answer = await fetch(`${server.url()}/update/check`, { method: 'POST', headers, body: JSON.stringify(check) })
  expect(await answer.json()).toMatchObject({ updateAvailable: false })

  // What devices do is written in batches, a little later.
  await eventually(async () => expect((await json<Page<Device>>('devices list')).items).toHaveLength(1))
  expect(await json<DeviceWithEvents>('devices show phone-1')).toMatchObject({
    id: 'phone-1',
    events: expect.any(Array),
  })
  expect((await run('devices show phone-1')).stdout).toMatch(/^platform\s+android$/m)

  expect(await json<Explanation>('explain --device phone-1')).toMatchObject({
    device: { id: 'phone-1', isKnown: true },
    decision: { kind: 'up-to-date' },
    rollouts: [{ version: '1.1.0', outcome: 'passed-over' }],
  })
  expect((await run('explain --device phone-1')).stdout).toMatch(
    /^It gets no update: .*^device +phone-1$.*Rollout 1 of 1.1.0: passed over\n {2}✗ .* \(D5\)\n {2}✓ /ms,
  )
})

test('a device that never showed itself is explained when its facts are given', async () => {
  const { json, run } = await server.createPublisher()
  expect(await json('explain --device new --platform ios --native-version 2.0')).toMatchObject({
    device: { isKnown: false, nativeVersion: '2.0' },
  })
  expect(await run('explain --device new')).toMatchObject({ exitCode: 1 })
  expect(await run('devices show new')).toMatchObject({ exitCode: 1 })
})

describe('devices', () => {
  /** A server's devices as the tool sees them, after checks of these. */
  async function withDevices(...checks: Record<string, unknown>[]) {
    const publisher = await server.createPublisher({ key: false })
    const { app, json } = publisher
    const headers = { 'content-type': 'application/json', 'x-app-key': app.appKey }
    for (const check of checks) {
      const body = JSON.stringify({ appId: app.id, version: '1.0.0', platform: 'android', ...check })
      expect((await fetch(`${server.url()}/update/check`, { method: 'POST', headers, body })).status).toBe(200)
    }
    const idsOf = async (...filters: string[]) =>
      (await json<Page<Device>>('devices', 'list', ...filters)).items.map(({ id }) => id).sort()
    return { ...publisher, idsOf }
  }

  test('are found by what is asked for', async () => {
    const { idsOf, run, json } = await withDevices(
      { deviceId: 'phone-1', nativeVersion: '1.0.0' },
      { deviceId: 'phone-2', platform: 'ios', nativeVersion: '2.0.0' },
      { deviceId: 'tablet', channel: 'beta', nativeVersion: '1.0.0' },
    )
    expect(await idsOf()).toEqual(['phone-1', 'phone-2', 'tablet'])
    expect(await idsOf('--search', 'phone')).toEqual(['phone-1', 'phone-2'])
    expect(await idsOf('--platform', 'ios', '--native-version', '2.0.0')).toEqual(['phone-2'])
    expect(await idsOf('--channel', 'beta')).toEqual(['tablet'])
    expect(await idsOf('--version', 'embedded', '--reason', 'nothing-published')).toHaveLength(3)
    expect(await idsOf('--seen-since', '2020-01-01', '--no-gone')).toHaveLength(3)
    expect(await idsOf('--seen-before', '2020-01-01')).toEqual([])
    expect(await idsOf('--gone')).toEqual([])
    expect(await idsOf('--failed', '01890000-0000-7000-8000-000000000000')).toEqual([])
    expect((await json<Page<Device>>('devices list --limit 2')).nextCursor).toEqual(expect.any(String))
    for (const wrong of [
      ['--platform', 'symbian'],
      ['--seen-since', 'yesterday'],
      ['--limit', '0'],
    ]) {
      expect(await run(['devices', 'list', ...wrong])).toMatchObject({ exitCode: 2 })
    }
  })

  test('are shown with what happened to them', async () => {
    const { json, run } = await withDevices({ deviceId: 'phone' })
    const { timeline } = await json<{ timeline: Page<TimelineEntry> }>('devices show phone')
    expect(timeline.items).toMatchObject([{ kind: 'checked', decision: 'up-to-date', reason: 'nothing-published' }])
    expect((await run('devices show phone')).stdout).toMatch(
      /^when\s+what.*\n.*checked.*up-to-date \(nothing-published\)$/m,
    )
  })

  test('are forgotten when somebody says yes, and not otherwise', async () => {
    const { idsOf, run, json } = await withDevices({ deviceId: 'phone' })
    expect(await run('devices forget phone')).toMatchObject({ exitCode: 2 })
    expect(await run('devices forget phone', { isTTY: true, input: 'n' })).toMatchObject({ exitCode: 1 })
    expect(await idsOf()).toEqual(['phone'])
    expect(await json('devices forget phone --yes')).toEqual({ forgotten: 'phone' })
    expect(await idsOf()).toEqual([])
    expect(await run('devices forget phone --yes --json')).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('"device-not-found"'),
    })
  })

  test('of an app with hashed ids are found by the id that they tell', async () => {
    const owner = await server.createOwner()
    const app = await owner.json<App>('apps create hashed-app --yes')
    expect(app.deviceIds).toBe('hashed')
    const headers = { 'content-type': 'application/json', 'x-app-key': app.appKey }
    const body = JSON.stringify({ appId: app.id, deviceId: 'phone-1', version: '1.0.0', platform: 'android' })
    await fetch(`${server.url()}/update/check`, { method: 'POST', headers, body })
    const list = await owner.json<Page<Device>>('devices list --app hashed-app --search phone-1')
    expect(list.items).toMatchObject([{ id: expect.stringMatching(/^h_/) }])
    expect(await owner.json('devices show phone-1 --app hashed-app')).toMatchObject({ id: list.items[0]?.id })
    expect(await owner.json('devices forget phone-1 --app hashed-app --yes')).toEqual({ forgotten: 'phone-1' })
  })
})
