import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { App } from '@hotpatch/api'
import { describeOnEveryDatabase, problemOf, startTestServer, type TestServer } from '@hotpatch/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Database } from '../../ground/database/schema.ts'

const sha256Of = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
const APK = readFileSync(new URL('../../../../../examples/binaries/hello-1.1.0.apk', import.meta.url))
const deb = (text: string) => Buffer.from(`!<arch>\ndebian-binary   ${text}`)

/** A form as browsers and curl send it. */
function formOf(fields: Record<string, string>, file?: { name: string; bytes: Uint8Array }) {
  const boundary = '----a-boundary'
  const parts = Object.entries(fields).map(
    ([name, value]) => `--${boundary}\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
  )
  const head = file && `--${boundary}\r\ncontent-disposition: form-data; name="file"; filename="${file.name}"\r\n\r\n`
  const body = Buffer.concat([
    Buffer.from(parts.join('')),
    ...(file && head !== undefined ? [Buffer.from(head), file.bytes, Buffer.from('\r\n')] : []),
    Buffer.from(`--${boundary}--\r\n`),
  ])
  return { body, headers: { 'content-type': `multipart/form-data; boundary=${boundary}` } }
}

describeOnEveryDatabase('the contract of app versions, for people', (open) => {
  let server: TestServer
  let db: Database
  let app: App
  beforeAll(async () => {
    db = await open()
    server = await startTestServer({ database: db })
    app = await server.createTestApp({ platforms: ['android', 'linux', 'windows'], checkAccess: 'open' })
  })
  afterAll(() => server.close())

  const elsewhere = (more: object = {}) => ({
    platform: 'linux',
    version: '1.0.0+1',
    download_url: 'https://downloads.example.com/editor-1.0.0.deb',
    file_size: 7,
    checksum: 'a'.repeat(64),
    ...more,
  })
  const publish = (body: object, more: object = {}) =>
    server.request('POST', `/apps/${app.slug}/api/updates/publish`, { body, ...more })
  const switchTo = (what: 'deactivate' | 'activate', id: string, query = '') =>
    server.request('POST', `/apps/${app.slug}/api/updates/${what}/${id}${query}`)
  const check = async (fields: object) =>
    (await server.request('POST', `/apps/${app.slug}/api/updates/check`, { token: null, body: fields })).body
  const anewApp = async () => {
    app = await server.createTestApp({ platforms: ['android', 'linux', 'windows'], checkAccess: 'open' })
  }

  test('of an app that takes signed releases only, none: it is said what signs, and nothing is kept', async () => {
    await anewApp()
    await server.request('PATCH', `/manage/v1/apps/${app.slug}`, { body: { signing: 'required' } })
    const along = formOf({ platform: 'linux', version: '1.0.0+1' }, { name: 'editor.deb', bytes: deb('signed?') })
    for (const answer of [await publish(elsewhere()), await publish(along.body, { headers: along.headers })]) {
      expect(problemOf(answer)).toBe('422 signature-required')
      expect(answer.body.detail).toMatch(/found none\. Publish it with a tool that signs: `hotpatch binary publish`\./)
    }
    expect((await server.request('GET', `/manage/v1/apps/${app.slug}/releases`)).body.items).toEqual([])
    expect(await check({ platform: 'linux', current_version: '0.9.0' })).toMatchObject({ update_available: false })
    await anewApp()
  })

  test('a version that lies elsewhere, with all that can be said of it', async () => {
    await anewApp()
    const all = {
      channel: 'beta',
      version_code: 1,
      file_name: 'Editor.deb',
      architecture: 'arm64',
      format: 'deb',
      release_notes: 'One',
      is_mandatory: true,
      min_supported_version: '0.9.0+3',
      min_os_version: '5.0',
      rollout_percentage: 25,
      publish_at: '2030-01-01T00:00:00Z',
    }
    const { status, body } = await publish(elsewhere(all))
    expect([status, body]).toEqual([
      201,
      {
        ok: true,
        id: expect.any(String),
        version: '1.0.0+1',
        version_code: 1,
        platform: 'linux',
        channel: 'beta',
        download_url: 'https://downloads.example.com/editor-1.0.0.deb',
        file_size: 7,
        checksum: 'a'.repeat(64),
        file_name: 'Editor.deb',
        format: 'deb',
        architecture: 'arm64',
        release_notes: 'One',
        is_mandatory: true,
        min_supported_version: '0.9.0+3',
        rollout_percentage: 25,
        is_active: true,
        created_at: expect.any(String),
        published_at: '2030-01-01T00:00:00.000Z',
      },
    ])
    const again = await publish(elsewhere(all))
    expect([again.status, again.body]).toEqual([200, body])
    // The same release in our own words.
    const { body: release } = await server.request('GET', `/manage/v1/releases/${body.id}`)
    expect(release).toMatchObject({ versionCode: 1, requirement: { minOsVersion: '5.0' }, content: { kind: 'binary' } })
    const { body: rollouts } = await server.request('GET', `/manage/v1/apps/${app.slug}/rollouts`)
    expect(rollouts.items).toMatchObject([{ mandatory: true, mandatoryBelow: '0.9.0+3', percentage: 25 }])
  })

  test('a file that installers of its system do not take is offered to who takes it alone', async () => {
    await anewApp()
    await publish(elsewhere())
    const zip = { version: '1.1.0+2', download_url: 'https://downloads.example.com/editor.zip' }
    expect((await publish(elsewhere(zip))).status).toBe(201)
    const asked = { platform: 'linux', current_version: '0.9.0' }
    expect((await check(asked)).latest_version).toBe('1.0.0+1')
    expect((await check({ ...asked, formats: ['zip'] })).latest_version).toBe('1.1.0+2')
    const latest = (query: string) =>
      server.request('GET', `/apps/${app.slug}/api/updates/latest?platform=linux${query}`, { token: null })
    expect((await latest('')).body.version).toBe('1.0.0+1')
    expect((await latest('&formats=zip')).body.version).toBe('1.1.0+2')
  })

  test('a file that comes along is read, hashed, stored and served', async () => {
    await anewApp()
    const sent = (version: string) => {
      const fields = { platform: 'android', version, is_mandatory: 'false', release_notes: 'Notes' }
      const { body, headers } = formOf(fields, { name: 'hello.apk', bytes: APK })
      return publish(body, { headers })
    }
    // What the file says of itself is another build than what was typed.
    const opposed = await sent('1.1.0+2')
    expect([problemOf(opposed), opposed.body.objections]).toMatchObject([
      '422 content-opposed',
      [{ name: 'typed-values-differ' }],
    ])
    const { status, body } = await sent('1.1.0+1')
    expect([status, body]).toMatchObject([
      201,
      { version_code: 1, file_size: APK.length, checksum: sha256Of(APK), file_name: 'hello.apk', is_mandatory: false },
    ])
    const download = await server.app.http.inject({
      url: new URL(body.download_url).pathname,
      headers: { range: 'bytes=10-19' },
    })
    expect([download.statusCode, download.rawPayload]).toEqual([206, APK.subarray(10, 20)])
    expect(download.headers['content-type']).toBe('application/vnd.android.package-archive')
  })

  describe('what does not fit is refused, and nothing is kept', () => {
    test.each([
      ['a version that is none', { version: '1.0' }, '400 invalid-request', /MAJOR.MINOR.PATCH\+BUILD.*"1.0"/],
      ['a minimum that is none', { min_supported_version: 'soon' }, '400 invalid-request', /min_supported_version/],
      ['another code than its build', { version_code: 7 }, '400 invalid-request', /expected 1,.*found 7/],
      ['no checksum', { checksum: null }, '400 invalid-request', /found no checksum/],
      ['no size', { file_size: null }, '400 invalid-request', /found no file_size/],
      ['an MD5', { checksum: 'b'.repeat(32) }, '400 invalid-request', /64 hex digits/],
      [
        'an address in the clear',
        { download_url: 'http://downloads.example.com/a.deb' },
        '400 invalid-request',
        /https/,
      ],
      ['an address that is none', { download_url: 'https://[/a.deb' }, '400 invalid-request', /https/],
      ['a port that is none', { download_url: 'https://a.test:99999/a.deb' }, '400 invalid-request', /https/],
      ['a secret in it', { download_url: 'https://a:b@a.test/a.deb' }, '400 invalid-request', /found one with a name/],
      ['an address in letters', { download_url: 'https://a.test/ö.deb' }, '400 invalid-request', /as https:.*%C3%B6/],
      ['a name that reads as another one', { file_name: 'a\u202Ebed.exe.deb' }, '400 invalid-request', /direction/],
      ['half a character', { file_name: 'a\ud800.deb' }, '400 invalid-request', /half a character/],
      ['two lines', { file_name: 'a\r\nb.deb' }, '400 invalid-request', /control character/],
      ['nothing to download', { download_url: null }, '400 invalid-request', /found neither/],
      ['no kind of file', { download_url: 'https://downloads.example.com/latest' }, '400 invalid-request', /file_name/],
      ['a platform that the app does not have', { platform: 'ios' }, '404 platform-not-found', /ios/],
      ['a channel that is not there', { channel: 'nowhere' }, '404 channel-not-found', /nowhere/],
      ['an unknown field', { userId: 1 }, '400 invalid-request', /userId/],
      ['a time that is none', { publish_at: 'tomorrow' }, '400 invalid-request', /startsAt/],
    ])('%s', async (_name, fields, expected, detail) => {
      const answer = await publish(elsewhere(fields))
      expect([problemOf(answer), answer.body.detail]).toEqual([expected, expect.stringMatching(detail)])
      expect((await check({ platform: 'linux', current_version: '0.0.1' })).update_available).toBe(false)
    })

    beforeAll(anewApp)

    test('a file that is not what was typed', async () => {
      const sent = async (fields: Record<string, string>, file = { name: 'editor.deb', bytes: deb('x') }) => {
        const { body, headers } = formOf({ platform: 'linux', version: '1.0.0+1', ...fields }, file)
        return problemOf(await publish(body, { headers }))
      }
      expect(await sent({ checksum: 'a'.repeat(64) })).toBe('422 hash-mismatch')
      expect(await sent({ file_size: '3' })).toBe('422 size-mismatch')
      expect(await sent({ download_url: 'https://downloads.example.com/a.deb' })).toBe('400 invalid-request')
      expect(await sent({}, { name: 'editor.deb', bytes: Buffer.from('MZ') })).toBe('422 invalid-binary')
      expect(await sent({ version_code: 'two' })).toBe('400 invalid-request')
      expect(await sent({ is_mandatory: 'yes' })).toBe('400 invalid-request')
      const none = formOf({ platform: 'linux', version: '1.0.0+1' })
      expect(problemOf(await publish(none.body, { headers: none.headers }))).toBe('400 invalid-request')
    })

    test('a form that is torn', async () => {
      const { body, headers } = formOf({ platform: 'linux' }, { name: 'editor.deb', bytes: deb('x') })
      expect(problemOf(await publish(body.subarray(0, -30), { headers }))).toBe('400 invalid-request')
      expect((await check({ platform: 'linux', current_version: '0.0.1' })).update_available).toBe(false)
    })
  })

  test('deactivated, the version before is the answer; and back, audited', async () => {
    await anewApp()
    await publish(elsewhere())
    const { body } = await publish(elsewhere({ version: '1.1.0+2', checksum: 'b'.repeat(64) }))
    const offered = async () => (await check({ platform: 'linux', current_version: '0.1.0' })).latest_version
    expect(await offered()).toBe('1.1.0+2')
    for (let time = 0; time < 2; time += 1) {
      expect(await switchTo('deactivate', body.id)).toMatchObject({ status: 200, body: { is_active: false } })
      expect(await offered()).toBe('1.0.0+1')
    }
    // Who has it keeps it.
    expect(await check({ platform: 'linux', current_version: '1.1.0+2' })).toMatchObject({ update_available: false })
    for (let time = 0; time < 2; time += 1) {
      expect(await switchTo('activate', body.id)).toMatchObject({ status: 200, body: { is_active: true } })
      expect(await offered()).toBe('1.1.0+2')
    }
    const { body: audit } = await server.request('GET', `/manage/v1/audit?app=${app.slug}`)
    const actions = (audit.items as { action: string }[]).map(({ action }) => action)
    expect(actions.filter((action) => action.startsWith('rollout.'))).toEqual(
      expect.arrayContaining(['rollout.resumed', 'rollout.paused']),
    )
    expect(actions.filter((action) => action === 'rollout.paused')).toHaveLength(1)
  })

  test('what was halted stays so, and it is said what to do', async () => {
    await anewApp()
    const { body } = await publish(elsewhere())
    const { body: rollouts } = await server.request('GET', `/manage/v1/apps/${app.slug}/rollouts`)
    await server.request('POST', `/manage/v1/rollouts/${rollouts.items[0].id}/halt`, { body: {} })
    expect((await switchTo('deactivate', body.id)).body).toMatchObject({ is_active: false })
    const refused = await switchTo('activate', body.id)
    expect([problemOf(refused), refused.body.detail]).toEqual([
      '409 rollout-state',
      expect.stringMatching(/found only what is halted.*hotpatch promote/),
    ])
  })

  test('on several channels it has to be said which', async () => {
    await anewApp()
    const { body } = await publish(elsewhere())
    await publish(elsewhere({ channel: 'beta' }))
    expect(problemOf(await switchTo('deactivate', body.id))).toBe('400 invalid-request')
    expect((await switchTo('deactivate', body.id, '?channel=beta')).body).toMatchObject({
      channel: 'beta',
      is_active: false,
    })
    expect((await check({ platform: 'linux', current_version: '0.1.0' })).update_available).toBe(true)
    expect(problemOf(await switchTo('activate', body.id, '?channel=staging'))).toBe('404 rollout-not-found')
  })

  test('the token decides who may', async () => {
    await anewApp()
    const { body } = await publish(elsewhere())
    expect((await publish(elsewhere({ version: '2.0.0' }), { token: null })).status).toBe(401)
    const at = `/apps/${app.slug}/api/updates/deactivate/${body.id}`
    expect((await server.request('POST', at, { token: null })).status).toBe(401)
    const made = await server.request('POST', '/manage/v1/tokens', {
      body: { name: 'reader', role: 'reader', app: app.slug },
    })
    const reader = { token: made.body.token as string }
    expect(problemOf(await publish(elsewhere({ version: '2.0.0' }), reader))).toBe('403 forbidden')
    expect(problemOf(await server.request('POST', at, reader))).toBe('403 forbidden')
    // At the root, by name; and another app's version is not there.
    const root = await server.request('POST', '/api/updates/publish', {
      body: elsewhere({ app: app.slug, version: '2.0.0', checksum: 'c'.repeat(64) }),
    })
    expect(root.status).toBe(201)
    expect(problemOf(await server.request('POST', '/api/updates/publish', { body: elsewhere() }))).toBe(
      '400 invalid-request',
    )
    const other = await server.createTestApp()
    const theirs = await server.request('POST', `/apps/${other.slug}/api/updates/deactivate/${body.id}`)
    expect(problemOf(theirs)).toBe('404 release-not-found')
  })

  test('scheduled and partial, as every rollout', async () => {
    await anewApp()
    await publish(elsewhere({ rollout_percentage: 0 }))
    expect(await check({ platform: 'linux', current_version: '0.1.0', device_id: 'd' })).toMatchObject({
      update_available: false,
      message: expect.stringMatching(/does not reach this device yet/),
    })
    await publish(elsewhere({ version: '1.1.0+2', checksum: 'b'.repeat(64), publish_at: '2999-01-01T00:00:00Z' }))
    const latest = await server.request('GET', `/apps/${app.slug}/api/updates/latest?platform=linux`, { token: null })
    expect([latest.status, latest.body.error]).toEqual([404, 'release-not-found'])
  })
})
