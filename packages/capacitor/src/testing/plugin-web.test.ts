import { CapacitorUpdater } from '@capgo/capacitor-updater'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createBundleUpdater } from '../index.ts'
import type { UpdaterPlugin } from '../ground/ports.ts'
import { createFollower } from './follower.ts'
import { startBundleServer, type BundleServer } from './bundle-server.ts'

/** The plugin's own implementation for browsers, which its package brings: what it does not warn about, the stand-in does as well. */
const real: UpdaterPlugin = CapacitorUpdater

let server: BundleServer
let warnings: string[]
beforeEach(async () => {
  server = await startBundleServer()
  warnings = []
  vi.spyOn(console, 'warn').mockImplementation((text: string) => void warnings.push(text))
})
afterEach(async () => {
  vi.restoreAllMocks()
  await server.stop()
})

async function standIn(): Promise<UpdaterPlugin> {
  const app = createFollower(server.url)
  await app.phone.coldStart()
  const { plugin } = app.host()
  if (!plugin) throw new Error('it has one')
  return plugin
}

describe('the same calls of the stand-in and of the real plugin in a browser', () => {
  test.each(['notifyAppReady', 'current', 'list', 'getFailedUpdate'] as const)(
    '%s answers in the same form',
    async (name) => {
      const [here, there] = [await (await standIn())[name](), await real[name]()]
      expect(shapeOf(there)).toEqual(shapeOf(here))
    },
  )

  test('the built-in bundle is called the same', async () => {
    const [here, there] = [await (await standIn()).current(), await real.current()]
    const { version: _, ...bundle } = there.bundle
    expect(here.bundle).toMatchObject(bundle)
  })

  test('where the real one only warns, the stand-in does what phones do', async () => {
    server.serve({ version: '1.1.0' })
    const url = `${server.url}/api/v1/native/bundle/download`
    const asked = { url, version: '1.1.0', checksum: server.checksum() }
    expect((await real.download(asked)).id).toBe('builtin')
    await real.set({ id: 'none' })
    await real.delete({ id: 'none' })
    expect((await real.list()).bundles).toEqual([])
    expect(warnings).toEqual(
      expect.arrayContaining([
        'Cannot download version in web',
        'Cannot set active bundle in web',
        'Cannot delete bundle in web',
        'Cannot list bundles in web',
      ]),
    )
    const plugin = await standIn()
    const downloaded = await plugin.download(asked)
    expect(downloaded).toMatchObject({ version: '1.1.0', status: 'pending', checksum: asked.checksum })
    await expect(plugin.set({ id: 'none' })).rejects.toThrow(/does not exist/)
    await expect(plugin.delete({ id: 'another' })).rejects.toThrow(/does not exist/)
    expect((await plugin.list()).bundles).toContainEqual(downloaded)
  })
})

test('an app over the real plugin in a browser says why it does nothing, and goes on', async () => {
  server.serve({ version: '1.1.0', minNativeVersion: '0.0.0' })
  const app = createFollower(server.url)
  await app.phone.coldStart()
  const host = { ...app.host(), plugin: real }
  const updater = createBundleUpdater(host, { serverUrl: server.url, allowInsecure: 'loopback' })
  expect(await updater.start()).toMatchObject({ kind: 'nothing', reason: 'download-failed' })
  expect(updater.state()).toEqual({ kind: 'idle' })
})

function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shapeOf)
  if (typeof value !== 'object' || value === null) return value === null ? null : typeof value
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, shapeOf(part)]))
}
