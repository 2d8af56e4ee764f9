import type { Device, DeviceWithEvents, Explanation, Page } from '@hotpatch/api'
import { expect, test, vi } from 'vitest'
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
  await vi.waitFor(async () => expect((await json<Page<Device>>('devices list')).items).toHaveLength(1), 10_000)
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
    /^up-to-date .*Rollout 1 of 1.1.0: passed-over\n.*✗ D5/ms,
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
