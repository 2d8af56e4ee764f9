import type { Adoption, DeviceWithEvents, Overview, TimelinePage } from '@hotpatch/api'
import { SDK_CODES } from '@hotpatch/protocol'
import { eventually } from '@hotpatch/testkit'
import { expect, test } from 'vitest'
import { useServer } from '../testing/server-suite.ts'

const KEPT = 2
const server = useServer({ HOTPATCH_DEVICE_EVENTS_PER_DAY: String(KEPT) })

async function withReports(codes: readonly string[]) {
  const tool = await server.createPublisher()
  await tool.write({ 'dist/index.android.bundle': 'bundle' })
  const { releaseId } = await tool.json<{ releaseId: string }>(
    'release --platform android --version 1.1.0 --bundle-dir dist --yes',
  )
  const device = { appId: tool.app.id, deviceId: 'phone', platform: 'android', channel: 'production' }
  const headers = { 'content-type': 'application/json', 'x-app-key': tool.app.appKey }
  const events = codes.map((code) => ({
    id: code,
    kind: code.startsWith('crashed') ? 'rolled-back' : 'failed',
    code,
    releaseId,
    occurredAt: new Date().toISOString(),
  }))
  const answer = await fetch(`${server.url()}/events`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ ...device, events }),
  })
  expect(answer.status).toBe(200)
  await eventually(async () =>
    expect((await tool.json<DeviceWithEvents>('devices show phone')).events).not.toHaveLength(0),
  )
  return tool
}

test('what was not kept is said beside the views that would look complete without it', async () => {
  const { json, run } = await withReports([
    'storage-full',
    'crashed-after-confirm',
    'hash-mismatch',
    'crashed',
    'E_OWN',
  ])
  const device = await json<DeviceWithEvents & { timeline: TimelinePage }>('devices show phone')
  expect([device.events.length, device.eventsNotKept, device.timeline.eventsNotKept]).toEqual([KEPT, 3, 3])
  expect((await run('devices show phone')).stdout).toContain(
    "In this time 3 events were not kept for want of room. They were of any of the app's devices, so this list may lack",
  )
  expect((await json<Adoption>('adoption')).eventsNotKept).toBe(3)
  expect((await json<{ overview: Overview }>('stats')).overview.eventsNotKept).toBe(3)
  for (const view of ['adoption', 'stats', 'stats health', 'stats downloads']) {
    expect([view, (await run(view)).stdout]).toEqual([
      view,
      expect.stringMatching(/3 events were not kept for want of room\. The figures count them/),
    ])
  }
  expect((await run('adoption --from 2020-01-01 --to 2020-01-02')).stdout).not.toContain('not kept')
})

test('nothing is said where all was kept', async () => {
  const { run, json } = await withReports(['not-confirmed'])
  expect((await json<DeviceWithEvents>('devices show phone')).eventsNotKept).toBe(0)
  for (const view of ['devices show phone', 'adoption', 'stats', 'stats health', 'stats downloads']) {
    expect((await run(view)).stdout).not.toContain('not kept')
  }
})

test('the code of a report is said in words where a device is shown and explained', async () => {
  const { run } = await withReports(['crashed-after-confirm', 'E_OWN'])
  const words = 'crashed-after-confirm: The release was confirmed, and later crashed or did not become ready'
  const shown = await run('devices show phone')
  expect(shown.stdout).toContain(words)
  expect(shown.stdout).toMatch(/E_OWN$/m)
  expect((await run('why phone')).stdout).toContain(words)
  expect(Object.keys(SDK_CODES)).toContain('crashed-after-confirm')
})
