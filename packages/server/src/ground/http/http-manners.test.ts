import { problemOf, startTestServer, zipOf, type TestServer } from '@hotpatch/testkit'
import type { App } from '@hotpatch/api'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openDatabase } from '../database/open-database.ts'
import type { Database } from '../database/schema.ts'
import { isOutage } from './is-outage.ts'

let server: TestServer
let app: App
beforeAll(async () => {
  server = await startTestServer()
  app = await server.createTestApp()
  await server.published(app, { bundle: await zipOf({ 'index.android.bundle': 'code' }) })
})
afterAll(() => server.close())

const json = { 'content-type': 'application/json' }
const deviceRequest = (method: string, url: string) =>
  server.request(method, url, { token: null, headers: { 'x-app-key': app.appKey } })

describe('a JSON content type without a body', () => {
  test.each([
    ['GET', '/manage/v1/apps', 200],
    ['DELETE', '/manage/v1/tokens/01970000-0000-7000-8000-000000000000', 404],
    ['POST', '/manage/v1/releases/01970000-0000-7000-8000-000000000000/archive', 404],
  ])('is no mistake where none is wanted: %s %s', async (method, url, status) => {
    const answer = await server.request(method, url, { headers: json })
    expect(answer.status).toBe(status)
  })

  test('is one where one is wanted', async () => {
    expect(problemOf(await server.request('POST', '/manage/v1/apps', { headers: json, body: '' }))).toBe(
      '400 malformed-json',
    )
  })
})

describe('no answer that may change is left to a cache', () => {
  test.each([
    ['/nowhere', 404],
    [`/artifacts/${'a'.repeat(64)}`, 404],
    ['/manage/v1/apps', 200],
    ['/manage/v1/apps/nothing', 404],
    ['/healthz', 200],
    ['/readyz', 200],
    ['/update/check', 400],
  ])('%s', async (url, status) => {
    const headers = { 'x-app-key': app.appKey }
    const answer = await server.request('GET', url, { headers })
    expect([answer.status, answer.headers['cache-control']]).toEqual([status, 'no-store'])
  })
})

describe('a device is never locked out by what it tells of itself', () => {
  const long = (text: string, length = 5_000) => text + 'x'.repeat(length)

  test.each([
    ['nativeVersion', { nativeVersion: long('1.0.0-') }],
    ['nativeVersion with more than it needs', { nativeVersion: long('1.0.0+', 60) }],
    ['runtimeVersion', { runtimeVersion: long('r') }],
    ['version', { version: long('0.9.0+') }],
    ['releaseId', { releaseId: long('release') }],
    ['model', { model: long('Phone') }],
    ['locale', { locale: long('de') }],
    ['osVersion', { osVersion: long('15') }],
    ['nativeBuild', { nativeBuild: long('1') }],
    ['a NUL in what is cut', { model: long('\0') }],
    ['a NUL in what is short', { model: 'Pixel\0 8', version: '1.0\0', locale: '\0' }],
    ['half a character in what is short', { model: 'Pixel \ud83d', osVersion: '\ude00' }],
    ['half a character where it is cut', { model: `${'x'.repeat(199)}😀${'x'.repeat(100)}` }],
    ['failedReleaseIds', { failedReleaseIds: Array.from({ length: 500 }, (_, index) => `release-${index}`) }],
    ['cohorts', { cohorts: [long('cohort'), 'beta'] }],
    ['many cohorts', { cohorts: Array.from({ length: 500 }, (_, index) => `cohort-${index}`) }],
  ])('%s', async (_name, fields) => {
    expect((await server.check(app, { deviceId: 'talkative', ...fields })).status).toBe(200)
  })

  test('and its reports are taken', async () => {
    const code = long('code')
    const answer = await server.report(app, { status: 'failed', code, detail: long('', 20_000), nativeVersion: code })
    expect([answer.status, answer.body.recorded]).toEqual([200, true])
  })

  test('the releases that failed last are those that count', async () => {
    const { body } = await server.check(app, { deviceId: 'failing' })
    const many = Array.from({ length: 100 }, (_, index) => `release-${index}`)
    const answer = await server.check(app, { deviceId: 'failing', failedReleaseIds: [...many, body.releaseId] })
    expect(answer.body).toMatchObject({ updateAvailable: false })
  })
})

test.each([
  ['version=1.2.3+4', '1.2.3+4'],
  ['version=1.2.3%2B4', '1.2.3+4'],
  ['version=1.2.3-beta.1+build.5', '1.2.3-beta.1+build.5'],
  ['version=1.2.3&nativeVersion=1.2.3+4', '1.2.3+4'],
])('a plus that was not escaped in a query is one: %s', async (query, expected) => {
  const deviceId = `device-${encodeURIComponent(query)}`
  const url = `/update/check?deviceId=${encodeURIComponent(deviceId)}&platform=android&${query}`
  expect((await deviceRequest('GET', url)).status).toBe(200)
  const { body } = await server.request('GET', `/manage/v1/apps/${app.slug}/devices/${encodeURIComponent(deviceId)}`)
  expect(body.nativeVersion).toBe(expected)
})

let isDown = false

/** A real database, to which the way can be cut. */
function failingWhenTold(): Database {
  return openDatabase({ kind: 'sqlite', path: ':memory:' }).withPlugin({
    transformQuery({ node }) {
      if (!isDown) return node
      throw Object.assign(new Error('connect ECONNREFUSED 10.0.0.5:5432'), { code: 'ECONNREFUSED' })
    },
    transformResult: ({ result }) => Promise.resolve(result),
  })
}

describe('an outage of the database', () => {
  test('is 503 with Retry-After for people, and the log has the cause; checks go on', async () => {
    const lines: string[] = []
    const broken = await startTestServer({
      env: { HOTPATCH_LOG_LEVEL: 'warn' },
      logTo: { write: (line) => void lines.push(line) },
      database: failingWhenTold(),
    })
    const shop = await broken.createTestApp()
    isDown = true
    const answer = await broken.request('GET', '/manage/v1/apps')
    expect([problemOf(answer), answer.headers['retry-after']]).toEqual(['503 unavailable', '5'])
    expect(lines.join()).toContain('connect ECONNREFUSED 10.0.0.5:5432')
    expect((await broken.check(shop)).status).toBe(200)
    isDown = false
    await broken.close()
  })

  test.each([
    [Object.assign(new Error('terminating connection'), { code: '57P01' }), true],
    [Object.assign(new Error('too many clients'), { code: '53300' }), true],
    [Object.assign(new Error('deadlock detected'), { code: '40P01' }), true],
    [Object.assign(new Error('canceling statement due to conflict with recovery'), { code: '40001' }), true],
    [new AggregateError([Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })]), true],
    [new Error('timeout exceeded when trying to connect'), true],
    [new Error('Connection terminated unexpectedly'), true],
    [Object.assign(new Error('database is locked'), { code: 'ERR_SQLITE_ERROR', errcode: 5 }), true],
    [Object.assign(new Error('disk is full'), { code: 'ERR_SQLITE_ERROR', errcode: 13 }), true],
    [Object.assign(new Error('duplicate key'), { code: '23505' }), false],
    [Object.assign(new Error('no such column'), { code: 'ERR_SQLITE_ERROR', errcode: 1 }), false],
    [new TypeError('x is not a function'), false],
  ])('is told from a bug: %s', (error, expected) => expect(isOutage(error)).toBe(expected))
})
