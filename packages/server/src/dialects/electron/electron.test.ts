import { readFileSync } from 'node:fs'
import { publishBinary, sha256Of, startTestServer, windowsProgram } from '@hotpatch/testkit'
import { writeZip } from '@hotpatch/testkit/archives'
import { afterAll, describe, expect, test } from 'vitest'
import { textOf } from '../../ground/http/made-body.ts'
import { parse } from 'yaml'
import type { OfferedRelease } from '../../updates/catalog-queries.ts'
import { readChannelFile, type ChannelFile } from './channel-file.ts'
import { updateInfo, updateInfoBody, type UpdateInfoOf } from './update-info.ts'

interface Vectors {
  files: { comment: string; file: string; expected: Partial<ChannelFile> | null }[]
  documents: { comment: string; release: OfferedRelease; of: UpdateInfoOf; expected: unknown }[]
}
const VECTORS = new URL('../../../../../vectors/dialects/electron/channel-files.json', import.meta.url)
const { files, documents } = JSON.parse(readFileSync(VECTORS, 'utf8')) as Vectors

test.each(files)('Electron §2: $comment', ({ file, expected }) => {
  if (expected === null) expect(() => readChannelFile(file)).toThrow('Expected a file such as')
  else expect(JSON.parse(JSON.stringify(readChannelFile(file)))).toEqual(expected)
})

test.each(documents)('Electron §3: $comment', ({ release, of, expected }) => {
  if (expected === null) {
    expect(() => updateInfoBody(release, of)).toThrow(/stopped|has no file/)
    return
  }
  expect(updateInfo(release, of)).toEqual(expected)
  expect(parse(textOf(updateInfoBody(release, of)))).toEqual(expected)
})

describe('a channel', async () => {
  const server = await startTestServer({ env: { HOTPATCH_DEVICE_REQUESTS_PER_MINUTE: '0' } })
  afterAll(() => server.close())
  const app = await server.createTestApp({ checkAccess: 'open', platforms: ['windows', 'linux', 'macos'] })
  const ask = (file: string, headers = {}) =>
    server.request('GET', `/electron/${app.slug}/${file}`, { token: null, headers })
  const exe = (text: string, name = 'Demo.exe') => ({ name, bytes: windowsProgram(Buffer.from(text)) })

  test('says who an answer is for, and leads to its files', async () => {
    await publishBinary(server, app, { platform: 'windows', version: '1.0.0+5', files: [exe('one')] })
    const { status, headers, body } = await ask('latest.yml?noCache=1k8hq1ls3')
    expect(status).toBe(200)
    expect(headers).toMatchObject({
      'content-type': 'application/yaml; charset=utf-8',
      'cache-control': 'no-store',
      vary: 'x-user-staging-id',
    })
    const [{ url }] = (parse(body) as { files: [{ url: string }] }).files
    expect(url).toBe('files/production/windows/1.0.0+5/x64/Demo.exe')
    const file = await ask(url)
    expect([file.status, file.headers.etag]).toEqual([200, `"${sha256Of(exe('one').bytes)}"`])
    const ranges = await ask(url, { range: 'bytes=0-1, 4-5' })
    expect([ranges.status, ranges.headers['content-type']]).toEqual([
      206,
      expect.stringContaining('multipart/byteranges'),
    ])
    expect((await ask(url.replace('Demo.exe', 'Other.exe'))).body).toMatchObject({ code: 'artifact-not-found' })
    expect((await ask(url.replace('1.0.0', '0.9.0'))).body).toMatchObject({ code: 'release-not-found' })
    expect((await ask(url.replace('windows', 'amiga'))).body).toMatchObject({ code: 'platform-not-found' })
  })

  test('has what the client judges itself, and nothing that nobody can judge', async () => {
    const told = { 'x-user-staging-id': 'device-1' }
    await publishBinary(server, app, {
      platform: 'windows',
      version: '1.1.0',
      minOsVersion: '10.0.19045',
      files: [exe('two')],
    })
    for (const headers of [{}, told])
      expect((await ask('latest.yml', headers)).body).toContain('minimumSystemVersion: "10.0.19045"')
    await publishBinary(server, app, {
      platform: 'windows',
      version: '1.2.0',
      minNativeVersion: '9',
      files: [exe('three')],
    })
    for (const headers of [{}, told]) expect((await ask('latest.yml', headers)).body).toContain('version: "1.1.0"')
  })

  test('passes over what has no file for it, or a version that it does not read', async () => {
    const told = { 'x-user-staging-id': 'device-1' }
    const deb = (text: string) => ({ name: 'demo.deb', bytes: Buffer.from(`!<arch>\ndebian-binary${text}`) })
    await publishBinary(server, app, {
      platform: 'linux',
      version: '1.0.0',
      files: [{ ...deb('a'), architecture: 'aarch64' }],
    })
    await publishBinary(server, app, {
      platform: 'linux',
      version: '1.1.0',
      files: [{ ...deb('b'), architecture: 'amd64' }],
    })
    await publishBinary(server, app, {
      platform: 'linux',
      version: '1.2',
      files: [{ ...deb('c'), architecture: 'amd64' }],
    })
    for (const headers of [{}, told]) {
      expect((await ask('latest-linux-arm64.yml', headers)).body).toContain('version: "1.0.0"')
      expect((await ask('latest-linux.yml', headers)).body).toContain('version: "1.1.0"')
    }
    expect(await ask('latest-linux-ia32.yml', told)).toMatchObject({ status: 404, body: { code: 'form-not-taken' } })
    expect(await ask('latest-mac.yml', told)).toMatchObject({ status: 404, body: { code: 'nothing-published' } })
    expect(await ask('nowhere.yml')).toMatchObject({ status: 404, body: { code: 'channel-not-found' } })
    expect(await ask('latest.json')).toMatchObject({ status: 404, body: { code: 'not-found' } })
  })

  test('passes over what has files of its system alone that the updater there does not install from', async () => {
    const own = await server.createTestApp({ checkAccess: 'open', platforms: ['windows', 'macos'] })
    const zip = { name: 'Demo.zip', bytes: writeZip([{ name: 'a' }]) }
    await publishBinary(server, own, { platform: 'windows', version: '1.0.0', files: [exe('one')] })
    await publishBinary(server, own, { platform: 'windows', version: '1.1.0', files: [zip] })
    await publishBinary(server, own, { platform: 'macos', version: '1.1.0', files: [zip] })
    for (const headers of [{}, { 'x-user-staging-id': 'device-1' }]) {
      const of = (file: string) =>
        server.request('GET', `/electron/${own.slug}/${file}`, { token: null, headers: { ...headers } })
      expect((await of('latest.yml')).body).toContain('version: "1.0.0"')
      expect((await of('latest-mac.yml')).body).toContain('version: "1.1.0"')
    }
    const { body } = await server.request('GET', `/manage/v1/apps/${own.slug}/devices/device-1/explain`)
    expect(body).toMatchObject({ decision: { kind: 'update', version: '1.1.0' } })
  })

  test('can be explained for a device that tells who it is', async () => {
    const own = await server.createTestApp({ checkAccess: 'open', platforms: ['windows'] })
    for (const [version, percentage] of [
      ['1.0.0', 100],
      ['1.1.0', 0],
    ] as const) {
      await publishBinary(server, own, { platform: 'windows', version, percentage, files: [exe(version)] })
    }
    const headers = { 'x-user-staging-id': 'device-1' }
    const answer = await server.request('GET', `/electron/${own.slug}/latest.yml`, { token: null, headers })
    expect(answer.body).toContain('version: "1.0.0"')
    const { body } = await server.request('GET', `/manage/v1/apps/${own.slug}/devices/device-1/explain`)
    expect(body).toMatchObject({ decision: { kind: 'update', version: '1.0.0' } })
  })

  test('gives out no file of a release whose time has not come', async () => {
    const startsAt = '2100-01-01T00:00:00Z'
    await publishBinary(server, app, { platform: 'windows', version: '7.0.0', files: [exe('seven')] })
    await publishBinary(server, app, { platform: 'windows', version: '8.0.0', startsAt, files: [exe('eight')] })
    const [{ url }] = (parse((await ask('latest.yml')).body) as { files: [{ url: string }] }).files
    expect(url).toContain('7.0.0')
    expect((await ask(url)).status).toBe(200)
    expect((await ask(url.replace('7.0.0', '8.0.0'))).body).toMatchObject({ code: 'release-not-found' })
  })

  test('of an app that wants its key is named by it', async () => {
    const closed = await server.createTestApp({ platforms: ['windows'] })
    await publishBinary(server, closed, { platform: 'windows', version: '1.0.0', files: [exe('one')] })
    const { status, body } = await server.request('GET', `/electron/${closed.appKey}/latest.yml`, { token: null })
    expect(status).toBe(200)
    const [{ url }] = (parse(body) as { files: [{ url: string }] }).files
    const file = await server.request('HEAD', `/electron/${closed.appKey}/${url}`, { token: null })
    expect(file.status).toBe(200)
  })
})
