import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { App, Patch } from '@hotpatch/api'
import { makeTemporaryDirectory, sha256Of, startTestServer, zipOf, type TestServer } from '@hotpatch/testkit'
import { noise } from '@hotpatch/testkit/archives'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { createPhone, installClient, MissingClient, type PhoneOptions } from './hot-updater-phone.ts'

const EMBEDDED = '019b76da-a800-7000-8000-000000000000'
const FIRST = '019c167f-cc00-7000-8000-000000000001'
const SECOND = '019c167f-cc00-7000-8000-000000000002'
const THIRD = '019c167f-cc00-7000-8000-000000000003'

const folder = await makeTemporaryDirectory()
afterAll(() => rm(folder, { recursive: true, force: true }))

/** The JavaScript of hot-updater's client as it is on npm, over real sockets. */
const client = await installClient(folder).catch((error: unknown) => {
  if (error instanceof MissingClient) return undefined
  throw error
})

describe.runIf(client)('an app with the client of hot-updater 0.36.3', () => {
  let server: TestServer
  let app: App
  let url = ''

  beforeAll(async () => {
    const env = { HOTPATCH_DEVICE_REQUESTS_PER_MINUTE: '0', HOTPATCH_PATCH_BASES: '1' }
    server = await startTestServer({ env })
    const origin = await server.listen()
    url = origin.endsWith('/') ? origin.slice(0, -1) : origin
  })
  afterAll(() => server.close())
  beforeEach(async () => {
    app = await server.createTestApp({ checkAccess: 'open', platforms: ['android', 'ios'] })
  })

  const base = () => `${url}/hot-updater/${app.slug}`
  const phoneWith = (options: Partial<PhoneOptions> = {}) =>
    createPhone(client ?? '', { minBundleId: EMBEDDED, cohort: '17', ...options })

  async function publish(version: string, buildId: string, files: Record<string, string>, more: object = {}) {
    const assets = Object.entries(files).map(([path, text]) => [path, { fileHash: sha256Of(Buffer.from(text)) }])
    const manifest = `${JSON.stringify({ bundleId: buildId, assets: Object.fromEntries(assets) }, null, 2)}\n`
    const bundle = await zipOf({ ...files, 'manifest.json': manifest })
    return server.published(app, { bundle, platform: 'android', version, ...more })
  }

  test('takes a build whole, the next one file by file, and goes back both steps', async () => {
    const phone = phoneWith()
    const logo = 'logo '.repeat(5_000)
    await publish('1.0.1', FIRST, { 'index.android.bundle': 'start(1)', 'assets/logo.png': logo })
    expect(await phone.update(base())).toBe(`UPDATE ${FIRST}`)
    phone.restart()
    expect(phone.runs()).toBe(FIRST)
    expect(await phone.update(base())).toBe('nothing')
    phone.fetched()

    const second = await publish('1.0.2', SECOND, { 'index.android.bundle': 'start(2)', 'assets/logo.png': logo })
    expect(await phone.update(`${base()}/`)).toBe(`UPDATE ${SECOND}`)
    phone.restart()
    expect(phone.files()['index.android.bundle']?.toString()).toBe('start(2)')
    // The manifest, and the one file that changed.
    expect(phone.fetched()).toHaveLength(2)

    await server.request('POST', `/manage/v1/rollouts/${second.rolloutId}/halt`, { body: { reason: 'It is slow.' } })
    expect(await phone.update(base())).toBe(`ROLLBACK ${FIRST}`)
    phone.restart()
    expect([phone.runs(), await phone.update(base())]).toEqual([FIRST, 'nothing'])
    const back = { platform: 'android', channel: 'production', to: 'embedded' }
    await server.request('POST', `/manage/v1/apps/${app.slug}/rollbacks`, { body: back })
    expect(await phone.update(base())).toBe('ROLLBACK 00000000-0000-0000-0000-000000000000')
    phone.restart()
    expect([phone.runs(), await phone.update(base())]).toEqual([EMBEDDED, 'nothing'])
  })

  test('takes the bundle as a patch of its own, and whole when that is damaged', async () => {
    const phone = phoneWith()
    const logo = 'logo '.repeat(1_000)
    const codeOf = (version: string) => `start(${version})${noise(30_000).toString('hex')}`
    const bundleOf = (version: string) => ({ 'index.android.bundle': codeOf(version), 'assets/logo.png': logo })
    /** By its digest. */
    const patchTo = (to: string) =>
      vi.waitFor(async () => {
        const { body } = await server.request('GET', `/manage/v1/apps/${app.slug}/patches`)
        const made = body.items.find((each: Patch) => each.kind === 'bsdiff43' && each.to === to)
        expect(made?.state).toBe('made')
        return made.packed[0].sha256 as string
      }, 20_000)
    const take = async (version: string, buildId: string) => {
      phone.fetched()
      expect(await phone.update(base())).toBe(`UPDATE ${buildId}`)
      phone.restart()
      expect(phone.files()['index.android.bundle']?.toString()).toBe(codeOf(version))
      return phone.fetched()
    }
    await publish('1.0.1', FIRST, bundleOf('1'))
    const [zip] = await take('1', FIRST)
    await publish('1.0.2', SECOND, bundleOf('2'))
    const patch = await patchTo('1.0.2')
    // The first update is always the whole, and the next one the manifest and the patch.
    const [manifest, patched, ...others] = await take('2', SECOND)
    expect([patched?.url, others]).toEqual([expect.stringContaining(patch), []])
    expect((manifest?.bytes ?? 0) + (patched?.bytes ?? 0)).toBeLessThan((zip?.bytes ?? 0) / 20)

    await publish('1.0.3', THIRD, bundleOf('3'))
    const damaged = await patchTo('1.0.3')
    await writeFile(join(server.directory, 'artifacts', damaged.slice(0, 2), damaged), 'something else')
    const whole = await take('3', THIRD)
    expect(whole.map(({ url }) => url.includes(damaged))).toEqual([false, true, false])
  })

  test('goes to another channel, and to what is for its cohort', async () => {
    const phone = phoneWith({ cohort: 'qa-team' })
    await server.request('PATCH', `/manage/v1/apps/${app.slug}`, { body: { deviceCohorts: 'allowed' } })
    await publish('1.0.1', FIRST, { 'index.android.bundle': 'start(1)' }, { channel: 'beta' })
    await publish('1.0.2', SECOND, { 'index.android.bundle': 'start(2)' }, { percentage: 0, cohorts: ['qa-team'] })
    expect(await phoneWith({ cohort: '3' }).update(base())).toBe('nothing')
    expect(await phone.update(base())).toBe(`UPDATE ${SECOND}`)
    phone.restart()
    expect(await phone.update(base(), { channel: 'beta' })).toBe(`UPDATE ${FIRST}`)
  })

  test('is explained by the id that its app tells', async () => {
    const phone = phoneWith()
    const told = { requestHeaders: { 'x-device-id': 'phone-1', 'x-crashed-bundles': SECOND } }
    await publish('1.0.1', FIRST, { 'index.android.bundle': 'start(1)' })
    await publish('1.0.2', SECOND, { 'index.android.bundle': 'start(2)' })
    await phone.update(base(), told)
    expect(await phone.update(base(), told)).toBe(`UPDATE ${FIRST}`)
    const { body } = await server.request('GET', `/manage/v1/apps/${app.slug}/devices/phone-1/explain`)
    expect(body.rollouts[0].verdicts).toContainEqual(expect.objectContaining({ reason: 'failed-on-this-device' }))
  })

  test('keeps what it has when it is refused', async () => {
    const phone = phoneWith()
    expect(await phone.update(base(), { channel: 'nowhere' })).toBe('error: Not Found')
    expect(await phone.update(`${url}/hot-updater/nobody`)).toBe('error: Unauthorized')
  })
})
