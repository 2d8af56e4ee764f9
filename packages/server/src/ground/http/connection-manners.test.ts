import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { startTestServer, zipOf, type TestServer } from '@hotpatch/testkit'
import type { App } from '@hotpatch/api'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

let server: TestServer
let app: App
let port: number
beforeAll(async () => {
  server = await startTestServer()
  app = await server.createTestApp()
  await server.published(app, { bundle: await zipOf({ 'index.android.bundle': 'code' }) })
  port = Number(new URL(await server.listen()).port)
})
afterAll(() => server.close())

/** Bytes as they are; all that comes until the server closes. */
async function raw(...parts: string[]): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.write(parts.join(''))
  return text(socket)
}
const get = (path: string, ...headers: string[]) =>
  [`GET ${path} HTTP/1.1`, 'host: localhost', `x-app-key: ${app.appKey}`, ...headers, '', ''].join('\r\n')
const post = (path: string, ...headers: string[]) =>
  get(path, 'content-type: application/json', ...headers).replace('GET', 'POST')
const check = (deviceId: string) => get(`/update/check?deviceId=${deviceId}&platform=android&version=0.9`)
const GARBAGE = 'this is not HTTP\r\n\r\n'
const statusesOf = (answers: string) => [...answers.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => Number(status))
const lastBody = (answers: string) => JSON.parse(answers.slice(answers.lastIndexOf('\r\n\r\n') + 4)) as unknown

describe('what was asked before something that is no request is answered first', () => {
  test.each([
    ['one', () => [check('a')], [200, 400]],
    ['many', () => [check('a'), check('b'), check('c'), check('d')], [200, 200, 200, 200, 400]],
    ['of the framework', () => [get('/healthz'), check('a'), get('/nowhere')], [200, 200, 404, 400]],
    ['nothing', () => [], [400]],
  ])('%s', async (_case, requests, expected) => {
    const answers = await raw(...requests(), GARBAGE)
    expect(statusesOf(answers)).toEqual(expected)
    expect(lastBody(answers)).toMatchObject({ type: '/problems/invalid-request', status: 400 })
  })

  test('a body that breaks off is that of no request that could be answered', async () => {
    const broken = post('/update/check', 'transfer-encoding: chunked')
    const answers = await raw(check('a'), check('b'), broken, 'not a length\r\n')
    expect(statusesOf(answers)).toEqual([200, 200, 400])
  })

  test('the last answer may close the connection itself', async () => {
    const answers = await raw(check('a'), get('/healthz', 'connection: close'), GARBAGE)
    expect(statusesOf(answers)).toEqual([200, 200])
  })

  test('however much of it comes', async () => {
    const answers = await raw(check('a'), GARBAGE.repeat(10_000))
    expect(statusesOf(answers)).toEqual([200, 400])
  })
})

describe('an expectation that means nothing', () => {
  test('of a device is refused in the form of its dialect', async () => {
    const answers = await raw(check('a'), post('/update/check', 'expect: banana', 'content-length: 2'), '{}')
    expect(statusesOf(answers)).toEqual([200, 417])
    expect(answers).toMatch(/connection: close/i)
    expect(lastBody(answers)).toMatchObject({ detail: 'Expected "100-continue" in the header expect, found "banana".' })
  })

  test('of a person as a problem document, whatever its length', async () => {
    const answers = await raw(get('/manage/v1/apps', `expect: ${'x'.repeat(5000)}`))
    expect(statusesOf(answers)).toEqual([417])
    expect(lastBody(answers)).toMatchObject({ type: '/problems/expectation-failed', status: 417 })
    expect(answers.length).toBeLessThan(1000)
  })

  test('but one that does is met', async () => {
    const body = JSON.stringify({ deviceId: 'a', platform: 'android', version: '0.9' })
    const headers = ['expect: 100-continue', `content-length: ${body.length}`, 'connection: close']
    expect(statusesOf(await raw(post('/update/check', ...headers), body))).toEqual([100, 200])
  })
})

test.each(['gzip', 'gzip, chunked', 'identity'])('a body that is coded otherwise is refused: %s', async (coding) => {
  const answers = await raw(check('a'), post('/update/check', `transfer-encoding: ${coding}`), '0\r\n\r\n')
  expect(statusesOf(answers)).toEqual([200, 400])
  expect(lastBody(answers)).toMatchObject({ detail: expect.stringContaining('chunked') })
})
