import { createHash, randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createAppUpdater, type AppUpdaterOptions, type Host, type VerifiedFile } from '@hotpatch/app-updates'
import { createNodeHost, createNodeHttp } from '@hotpatch/app-updates/node'
import { STORY_DATABASES, startServerProcess, temporaryDirectory } from '@hotpatch/testkit'
import { describe, expect, onTestFinished, test } from 'vitest'
import { startFileServer } from '../packages/app-updates/src/testing/file-server.ts'

/** Where files lie that are not on the server. */
const ELSEWHERE = 'https://downloads.example.com'

const sha256Of = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

describe.each(STORY_DATABASES)('versions of a whole app, on %s', (_name, open) => {
  test('published, checked, made mandatory, taken back, and had again', async () => {
    const { env, drop } = await open()
    const directory = await temporaryDirectory()
    const server = await startServerProcess({ directory: join(directory, 'data'), env })
    onTestFinished(async () => {
      await server.stop()
      await drop()
    })
    const owner = { authorization: `Bearer ${server.ownerToken}` }
    async function call(method: string, path: string, body?: object | FormData, headers: object = owner) {
      const isJson = body !== undefined && !(body instanceof FormData)
      const response = await fetch(server.url + path, {
        method,
        headers: { ...headers, ...(isJson && { 'content-type': 'application/json' }) },
        ...(body && { body: body instanceof FormData ? body : JSON.stringify(body) }),
      })
      return { status: response.status, body: (await response.json()) as Record<string, unknown> }
    }
    await call('POST', '/manage/v1/apps', { slug: 'editor', platforms: ['linux', 'android'], checkAccess: 'open' })
    const at = '/apps/editor/api/updates'
    const check = (version: string, device = 'a-device', more: object = {}) =>
      call('POST', `${at}/check`, { platform: 'linux', current_version: version, device_id: device, ...more }, {})
    const latest = () => call('GET', `${at}/latest?platform=linux`, undefined, {})

    // Nothing is there yet.
    expect(await latest()).toMatchObject({ status: 404, body: { ok: false, error: 'release-not-found' } })
    expect((await check('0.9.0')).body).toMatchObject({ update_available: false, latest_version: '0.9.0' })

    // One that lies elsewhere, and one that comes along.
    const [first, second] = [randomBytes(200_000), randomBytes(3_000_000)]
    const published = await call('POST', `${at}/publish`, {
      platform: 'linux',
      version: '1.0.0+1',
      download_url: `${ELSEWHERE}/editor-1.0.0.deb`,
      file_size: first.length,
      checksum: `sha256:${sha256Of(first).toUpperCase()}`,
      release_notes: 'The first',
    })
    expect(published).toMatchObject({
      status: 201,
      body: { ok: true, version_code: 1, format: 'deb', is_active: true },
    })
    const form = new FormData()
    form.set('platform', 'linux')
    form.set('version', '1.1.0+2')
    form.set('release_notes', 'Faster\nSafer')
    form.set('file', new Blob([debOf(second)]), 'editor 1.1.0.deb')
    const newest = await call('POST', `${at}/publish`, form)
    const bytes = debOf(second)
    expect(newest).toMatchObject({
      status: 201,
      body: { version: '1.1.0+2', file_size: bytes.length, checksum: sha256Of(bytes), file_name: 'editor 1.1.0.deb' },
    })
    expect((await latest()).body).toMatchObject({ ok: true, version: '1.1.0+2', version_code: 2, is_mandatory: false })
    expect((await check('1.0.0+1')).body).toMatchObject({ update_available: true, latest_version: '1.1.0+2' })
    expect((await check('1.1.0+2')).body).toMatchObject({
      update_available: false,
      message: 'This is the newest version.',
    })
    expect((await check('1.2.0+3')).body).toMatchObject({ update_available: false })

    // Mandatory for who is below the minimum, whatever the flag says.
    const { body: rollouts } = await call('GET', '/manage/v1/apps/editor/rollouts')
    const [top] = rollouts.items as { id: string; version: string }[]
    expect(top?.version).toBe('1.1.0+2')
    await call('PATCH', `/manage/v1/rollouts/${top?.id}`, { mandatoryBelow: '1.0.0' })
    expect((await check('0.9.0+0')).body).toMatchObject({ is_mandatory: true, min_supported_version: '1.0.0' })
    expect((await check('1.0.0+1')).body).toMatchObject({ is_mandatory: false, min_supported_version: '1.0.0' })

    // The newest is taken back: who has it keeps it, the others are answered with the one before.
    const { id } = newest.body as unknown as { id: string }
    expect(await call('POST', `${at}/deactivate/${id}`)).toMatchObject({ status: 200, body: { id, is_active: false } })
    expect((await latest()).body).toMatchObject({ version: '1.0.0+1', download_url: `${ELSEWHERE}/editor-1.0.0.deb` })
    expect((await check('0.9.0+0', 'another')).body).toMatchObject({ latest_version: '1.0.0+1' })
    expect((await check('1.1.0+2')).body).toMatchObject({ update_available: false, latest_version: '1.1.0+2' })
    expect((await call('POST', `${at}/deactivate/${id}`, undefined, {})).status).toBe(401)

    // The client of the package has the one that lies elsewhere, over addresses that lead here.
    const elsewhere = await startFileServer()
    onTestFinished(() => elsewhere.stop())
    elsewhere.serveFile('/editor-1.0.0.deb', first, { breakAfter: 150_000 })
    const handedOver: VerifiedFile[] = []
    const options = { serverUrl: `${server.url}/apps/editor`, deviceId: 'with-the-package' } as const
    const updater = (installedVersion: string) =>
      createAppUpdater(hostOf(join(directory, 'update'), elsewhere.url, handedOver), {
        ...options,
        platform: 'linux',
        installedVersion,
        allowInsecure: 'loopback',
        limits: { backOffMs: 1, backOffMaxMs: 2, downloadAttempts: 10 },
      } satisfies AppUpdaterOptions)
    const old = updater('0.9.0+0')
    expect(await old.check()).toMatchObject({ kind: 'available', update: { version: '1.0.0+1', notes: 'The first' } })
    expect((await old.download()).kind).toBe('ready')
    expect((await old.install()).kind).toBe('handed-over')
    expect(await readFile(handedOver[0]?.path ?? '')).toEqual(first)

    // And back: the next check of the version that now runs is its completion.
    expect(await call('POST', `${at}/activate/${id}`)).toMatchObject({ status: 200, body: { is_active: true } })
    expect((await latest()).body).toMatchObject({ version: '1.1.0+2' })
    const now = updater('1.0.0+1')
    expect(await now.check()).toMatchObject({
      kind: 'available',
      update: { version: '1.1.0+2', notes: 'Faster\nSafer' },
    })
    expect((await now.download()).kind).toBe('ready')
    expect((await now.install()).kind).toBe('handed-over')
    expect(await readFile(handedOver[1]?.path ?? '')).toEqual(Buffer.from(bytes))
    expect((await updater('1.1.0+2').check()).kind).toBe('none')

    // What became of it, and why.
    const device = async () => (await call('GET', '/manage/v1/apps/editor/devices/with-the-package')).body
    await expect.poll(async () => (await device()).currentVersion).toBe('1.1.0+2')
    expect(await device()).toMatchObject({ nativeVersion: '1.1.0+2', dialect: 'app-versions' })
    const { body: timeline } = await call('GET', '/manage/v1/apps/editor/devices/with-the-package/timeline')
    const { body: versions } = await call('GET', '/manage/v1/apps/editor/insights/versions')
    expect(JSON.stringify(timeline.items)).toContain('native-updated')
    expect(JSON.stringify(versions)).toContain('"1.1.0+2"')
    const { body: why } = await call('GET', '/manage/v1/apps/editor/devices/with-the-package/explain')
    expect(why.decision).toMatchObject({ kind: 'up-to-date', reason: 'runs-the-target' })
    const { body: audit } = await call('GET', '/manage/v1/audit')
    const actions = (audit.items as { action: string }[]).map(({ action }) => action)
    expect(actions).toEqual(expect.arrayContaining(['release.published', 'rollout.paused', 'rollout.resumed']))
  })
})

/** Begins as a package of Debian does. */
function debOf(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(Buffer.concat([Buffer.from('!<arch>\ndebian-binary   '), bytes]))
}

function hostOf(directory: string, elsewhere: string, handedOver: VerifiedFile[]): Host {
  const http = createNodeHttp()
  return createNodeHost({
    directory,
    http: { open: (request) => http.open({ ...request, url: request.url.replace(ELSEWHERE, elsewhere) }) },
    installer: {
      async handOver(file) {
        handedOver.push(file)
      },
    },
  })
}
