import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { deflateRawSync } from 'node:zlib'
import type { App } from '@hotpatch/api'
import { makeBlockMap } from '@hotpatch/server/testing'
import {
  appImage,
  eventually,
  publishBinary,
  sha256Of,
  startTestServer,
  temporaryDirectory,
  windowsProgram,
  withEmbeddedMap,
  type TestServer,
} from '@hotpatch/testkit'
import { noise } from '@hotpatch/testkit/archives'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ElectronOutcome, ElectronRun } from './electron-app.ts'

/** The real electron-updater from npm, unmodified, in a process of its own, over real sockets. */
const APP = fileURLToPath(new URL('electron-app.ts', import.meta.url))
const STAGING_ID = 'a8b5c2d0-1111-5222-8333-444455556666'
/** More changes than fit into one of the updater's requests. */
const CHANGES = 560
const STRIDE_BYTES = 60_000

let server: TestServer
let app: App
let url = ''
let sentBytes = 0

/** An installer as it was before, and as it is now: the same but for a byte here and there. */
const before = noise(CHANGES * STRIDE_BYTES)
const after = Buffer.from(before)
for (let change = 0; change < CHANGES; change++) after[change * STRIDE_BYTES + 17_000] = change % 251

beforeAll(async () => {
  server = await startTestServer({ env: { HOTPATCH_DEVICE_REQUESTS_PER_MINUTE: '0' } })
  await server.listen()
  server.app.http.server.on('connection', (socket) => socket.once('close', () => (sentBytes += socket.bytesWritten)))
  const { port } = server.app.http.server.address() as { port: number }
  app = await server.createTestApp({ checkAccess: 'open', platforms: ['windows', 'linux'] })
  url = `http://127.0.0.1:${port}/electron/${app.slug}/`
})
afterAll(() => server.close())

async function run(changes: Partial<ElectronRun>): Promise<ElectronOutcome & { sentBytes: number }> {
  const folder = await temporaryDirectory()
  const asked = { platform: 'win32', version: '1.1.0', url, folder, stagingId: STAGING_ID, ...changes }
  sentBytes = 0
  const { stdout } = await promisify(execFile)(process.execPath, [APP, JSON.stringify(asked)])
  return { ...(JSON.parse(stdout) as ElectronOutcome), sentBytes }
}

async function installed(bytes: Uint8Array): Promise<string> {
  const path = join(await temporaryDirectory(), 'installed')
  await writeFile(path, bytes)
  return path
}

const publish = (platform: 'windows' | 'linux', version: string, bytes: Uint8Array, changes: object = {}) => {
  const name = platform === 'windows' ? `Demo-Setup-${version}.exe` : `Demo-${version}.AppImage`
  return publishBinary(server, app, { platform, version, files: [{ name, bytes }], ...changes })
}

/** In the background, after the publish. */
async function isMapped(version: string): Promise<void> {
  const path = `/electron/${app.slug}/files/production/windows/${version}/x64/Demo-Setup-${version}.exe.blockmap`
  await eventually(async () => expect((await server.request('HEAD', path, { token: null })).status).toBe(200))
}

describe('on Windows', () => {
  const [old, current] = [windowsProgram(before), windowsProgram(after)]

  test('takes the whole of what is new, and only what changed where it has the one before', async () => {
    await publish('windows', '1.1.0', old)
    await publish('windows', '1.2.0', current, { notes: 'Faster' })
    await isMapped('1.1.0')
    await isMapped('1.2.0')
    const whole = await run({ download: true })
    expect(whole).toMatchObject({ available: true, version: '1.2.0', error: null, sha256: sha256Of(current) })
    expect(whole.sentBytes).toBeGreaterThan(current.length)

    const delta = await run({ download: true, installed: await installed(old) })
    expect(delta).toMatchObject({ available: true, error: null, sha256: sha256Of(current) })
    expect(delta.log.join('\n')).toMatch(/File has \d{3} changed blocks/)
    expect(delta.log.join('\n')).not.toContain('fallback')
    // One block, of 24 KiB on average, for each change, and the headers of its part.
    expect(delta.sentBytes).toBeLessThan(current.length * 0.5)
  })

  test('is told nothing new where it has it, and an error where there is no such channel', async () => {
    expect(await run({ version: '1.2.0' })).toMatchObject({ available: false, version: '1.2.0', error: null })
    expect(await run({ channel: 'beta' })).toMatchObject({ error: 'ERR_UPDATER_CHANNEL_FILE_NOT_FOUND' })
  })

  test('is in a rollout by its id, and a higher version ends it', async () => {
    const next = windowsProgram(noise(50_000))
    const { rolloutId } = await publish('windows', '1.3.0', next, { percentage: 50 })
    const versionFor = async (stagingId: string) => {
      const headers = { 'x-user-staging-id': stagingId }
      const { body } = await server.request('GET', `/electron/${app.slug}/latest.yml`, { token: null, headers })
      return /version: "(.+)"/.exec(body)?.[1]
    }
    const ids = Array.from({ length: 20 }, (_, index) => `a8b5c2d0-1111-5222-8333-4444555566${10 + index}`)
    const versions = await Promise.all(ids.map(versionFor))
    const inside = ids[versions.indexOf('1.3.0')] ?? ''
    const outside = ids[versions.indexOf('1.2.0')] ?? ''
    expect(await run({ version: '1.2.0', stagingId: inside })).toMatchObject({ available: true, version: '1.3.0' })
    expect(await run({ version: '1.2.0', stagingId: outside })).toMatchObject({ available: false, version: '1.2.0' })
    const device = (await server.request('GET', `/manage/v1/apps/${app.slug}/devices/${inside}`)).body
    expect(device).toMatchObject({ dialect: 'electron', platform: 'windows', channel: 'production' })

    // Taken back: who has it keeps it, and nobody else gets it.
    await server.request('POST', `/manage/v1/rollouts/${rolloutId}/halt`)
    expect(await run({ version: '1.3.0', stagingId: inside })).toMatchObject({ available: false, version: '1.2.0' })
    expect(await run({ version: '1.1.0', stagingId: inside })).toMatchObject({ available: true, version: '1.2.0' })
    await publish('windows', '1.3.1', windowsProgram(noise(60_000)))
    expect(await run({ version: '1.3.0', stagingId: inside })).toMatchObject({ available: true, version: '1.3.1' })
  })

  test('keeps nothing that is not what was announced', async () => {
    const bytes = windowsProgram(noise(70_000))
    await publish('windows', '1.4.0', bytes)
    const sha256 = sha256Of(bytes)
    const stored = join(server.directory, 'artifacts', sha256.slice(0, 2), sha256)
    const damaged = await readFile(stored)
    damaged[50_000] = (damaged[50_000] ?? 0) ^ 1
    await writeFile(stored, damaged)
    const outcome = await run({ download: true })
    expect(outcome).toMatchObject({ available: true, version: '1.4.0', error: 'ERR_CHECKSUM_MISMATCH', sha256: null })
  })
})

describe('as an AppImage', () => {
  async function imageOf(content: Uint8Array): Promise<Buffer> {
    const file = appImage(content)
    const map = await makeBlockMap(
      (async function* () {
        yield file
      })(),
    )
    return withEmbeddedMap(file, deflateRawSync(JSON.stringify(map)))
  }

  test('takes only what changed, by the maps that are in the files', async () => {
    const old = await imageOf(before.subarray(0, 3_000_000))
    const current = await imageOf(after.subarray(0, 3_000_000))
    await publish('linux', '1.1.0', old)
    await publish('linux', '1.2.0', current)
    await eventually(async () => {
      const { body } = await server.request('GET', `/electron/${app.slug}/latest-linux.yml`, { token: null })
      expect(body).toContain('blockMapSize')
      expect(body).toContain(createHash('sha512').update(current).digest('base64'))
    })
    const delta = await run({ platform: 'linux', download: true, installed: await installed(old) })
    expect(delta).toMatchObject({ available: true, version: '1.2.0', error: null, sha256: sha256Of(current) })
    expect(delta.log.join('\n')).not.toContain('fallback')
    expect(delta.sentBytes).toBeLessThan(current.length * 0.5)
  })
})
