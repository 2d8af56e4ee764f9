import { deflateRawSync, gunzipSync } from 'node:zlib'
import {
  appImage,
  describeOnEveryDatabase,
  eventually,
  publishBinary,
  sha256Of,
  startTestServer,
  windowsProgram,
  withEmbeddedMap,
  type TestServer,
} from '@hotpatch/testkit'
import { noise } from '@hotpatch/testkit/archives'
import type { App } from '@hotpatch/api'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createDeviceIdentity } from '../../fleet/devices/device-identity.ts'
import type { Database } from '../../ground/database/schema.ts'
import { loadCatalog } from '../../updates/catalog-queries.ts'
import { makeBlockMap } from './block-map.ts'

async function* whole(bytes: Uint8Array) {
  yield bytes
}

describeOnEveryDatabase('block maps', (open) => {
  let db: Database
  let server: TestServer
  let app: App
  beforeAll(async () => {
    db = await open()
    // A device that asks until something is made asks more often than the limit allows, and this clock stands still.
    const env = { HOTPATCH_DEVICE_REQUESTS_PER_MINUTE: '0' }
    server = await startTestServer({ database: db, env })
    app = await server.createTestApp({ platforms: ['windows', 'linux', 'macos'] })
  })
  // The database is the suite's, which closes it.
  afterAll(() => server?.close().catch(() => undefined))

  const setup = windowsProgram(noise(200_000))
  const mapOf = (bytes: Uint8Array) =>
    db.selectFrom('block_map').selectAll().where('sha256', '=', sha256Of(bytes)).executeTakeFirst()
  const made = async (bytes: Uint8Array) =>
    eventually(async () => {
      const map = await mapOf(bytes)
      expect(map).toBeDefined()
      return map
    })
  const offered = async (platform: 'windows' | 'linux' | 'macos') => {
    const identity = createDeviceIdentity({ secret: 'x'.repeat(32) })
    const loaded = await loadCatalog(db, { appId: app.id, platform, channel: 'production' }, identity)
    const target = loaded?.catalog.rollouts[0]?.target
    return {
      generation: loaded?.catalog.generation ?? 0,
      files:
        target === undefined || target === 'embedded' || target.content.kind !== 'binary' ? [] : target.content.files,
    }
  }

  test('are made after the publish, and raise the catalogs', async () => {
    await publishBinary(server, app, {
      platform: 'windows',
      version: '1.0.0',
      files: [{ name: 'Demo Setup 1.0.0.exe', bytes: setup }],
    })
    const map = await made(setup)
    const key = map?.map_sha256 ?? ''
    const served = await server.app.http.inject({ url: `/artifacts/${key}` })
    expect(sha256Of(served.rawPayload)).toBe(key)
    expect(JSON.parse(gunzipSync(served.rawPayload).toString())).toEqual(await makeBlockMap(whole(setup)))
    const { generation, files } = await offered('windows')
    expect(generation).toBeGreaterThan(1)
    expect(files).toMatchObject([{ blockMap: { sha256: key, sizeBytes: served.rawPayload.length } }])
    expect(files[0]).not.toHaveProperty('embeddedMapBytes')
  })

  test('that are in the file itself are found, and none is made', async () => {
    const content = appImage(noise(150_000))
    const packed = deflateRawSync(JSON.stringify(await makeBlockMap(whole(content))))
    const image = withEmbeddedMap(content, packed)
    await publishBinary(server, app, {
      platform: 'linux',
      version: '1.0.0',
      files: [{ name: 'Demo-1.0.0.AppImage', bytes: image }],
    })
    expect(await made(image)).toMatchObject({ map_sha256: null, embedded_bytes: packed.length })
    const { files } = await offered('linux')
    expect(files).toMatchObject([{ embeddedMapBytes: packed.length }])
    expect(files[0]).not.toHaveProperty('blockMap')
  })

  test('are made of what clients put together only, and once for the same bytes', async () => {
    const disk = Buffer.concat([noise(500), Buffer.from('koly'), Buffer.alloc(508)])
    const files = [{ name: 'Demo.dmg', bytes: disk, architecture: 'arm64' }]
    await publishBinary(server, app, { platform: 'macos', version: '1.0.0', files })
    const before = await mapOf(setup)
    await publishBinary(server, app, {
      platform: 'windows',
      version: '1.1.0',
      files: [{ name: 'Demo Setup 1.1.0.exe', bytes: setup }],
    })
    const later = windowsProgram(noise(20_000))
    await publishBinary(server, app, {
      platform: 'windows',
      version: '1.2.0',
      files: [{ name: 'Demo Setup 1.2.0.exe', bytes: later }],
    })
    await made(later)
    expect(await mapOf(setup)).toEqual(before)
    expect(await mapOf(disk)).toBeUndefined()
  })

  test('go on where a server that was killed left it, and are given up for bytes that are damaged', async () => {
    await db.deleteFrom('block_map').where('sha256', '=', sha256Of(setup)).execute()
    // More is stored of it than there was.
    await db.updateTable('release_file').set({ size_bytes: 10 }).where('path', '=', 'Demo-1.0.0.AppImage').execute()
    await db.deleteFrom('block_map').where('embedded_bytes', 'is not', null).execute()
    // Any publish wakes it, as a start does.
    const last = windowsProgram(noise(9_000))
    await publishBinary(server, app, {
      platform: 'windows',
      version: '1.3.0',
      files: [{ name: 'Demo Setup 1.3.0.exe', bytes: last }],
    })
    await made(setup)
    const damaged = await eventually(async () => {
      const rows = await db.selectFrom('block_map').selectAll().where('map_sha256', 'is', null).execute()
      expect(rows).toHaveLength(1)
      return rows
    })
    expect(damaged).toMatchObject([{ embedded_bytes: null }])
  })
})
