import { expect, test } from 'vitest'
import { createScriptedDevice } from '../test-host/scripted-device.ts'
import type { NativeEvent } from './messages.ts'
import { connectNative, type EventsOfApp, type ModuleOfApp } from './native-module.ts'

/** The native side of the bridge: texts in, texts out. */
function bridgeTo(device = createScriptedDevice()) {
  const { native } = device
  const text = async (answer: Promise<unknown>) => JSON.stringify(await answer)
  const module: ModuleOfApp = {
    ...native,
    status: () => JSON.stringify(native.status()),
    configure: (configuration) => text(native.configure(JSON.parse(configuration))),
    check: () => text(native.check()),
    download: () => text(native.download()),
    sync: () => text(native.sync()),
    setChannel: (channel) => text(native.setChannel(channel)),
  }
  const heard: string[] = []
  const events: EventsOfApp = {
    addListener: (name, listener) => {
      heard.push(name)
      return { remove: native.listen((event) => listener(JSON.stringify(event))) }
    },
  }
  return { device, module, events, heard }
}

test('everything that has a shape crosses as JSON, both ways', async () => {
  const { device, module, events } = bridgeTo()
  const native = connectNative(module, events)
  expect(native.status()).toEqual(device.native.status())
  await native.configure({ apiUrl: 'https://updates.example.com', appId: 'a', cohorts: ['testers'] })
  expect(device.configuration).toEqual({ apiUrl: 'https://updates.example.com', appId: 'a', cohorts: ['testers'] })
  device.offer({ releaseId: 'r1', version: '1.1.0' })
  expect(await native.check()).toMatchObject({ kind: 'available', releaseId: 'r1' })
  expect(await native.sync()).toEqual({ kind: 'staged', releaseId: 'r1', version: '1.1.0', mandatory: false })
  expect(await native.setChannel('beta')).toMatchObject({ channel: 'beta' })
  expect(native.crashed()).toBe(false)
})

test('events are heard under one name until nobody listens', async () => {
  const { module, events, heard } = bridgeTo()
  const native = connectNative(module, events)
  const seen: NativeEvent[] = []
  const stop = native.listen((event) => seen.push(event))
  await native.check()
  stop()
  await native.check()
  expect(heard).toEqual(['HotPatchEvent'])
  expect(seen).toEqual([
    { type: 'state', state: 'checking', releaseId: null },
    { type: 'state', state: 'idle', releaseId: null },
  ])
})

test('a native half of another version is told from a broken one', () => {
  const { module, events } = bridgeTo()
  const native = connectNative({ ...module, status: () => ({}) as string }, events)
  expect(() => native.status()).toThrow(/expected JSON from the native half, found object.*build the app again/)
})
