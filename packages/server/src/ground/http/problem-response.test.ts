import { once } from 'node:events'
import { connect, type AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { PROBLEMS } from '@hotpatch/protocol'
import { problemOf, startTestServer } from '@hotpatch/testkit'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { openDatabase } from '../database/open-database.ts'

const db = openDatabase({ kind: 'sqlite', path: ':memory:' })
const server = await startTestServer({ database: db })
afterAll(() => server.close())

describe('a problem', () => {
  test('has a type, a title, a status, a detail and the request that it is about', async () => {
    const { status, headers, body } = await server.request('GET', '/manage/v1/apps/nobody')
    expect(status).toBe(404)
    expect(headers['content-type']).toBe('application/problem+json; charset=utf-8')
    expect(body).toEqual({
      type: '/problems/app-not-found',
      title: 'There is no such app',
      status: 404,
      detail: 'No app has the id or slug "nobody".',
      instance: expect.stringMatching(/^urn:request:[\w-]{36,}$/),
    })
  })

  test('of a body names each field that is wrong', async () => {
    const { body } = await server.request('POST', '/manage/v1/apps', { body: { slug: 'A', colour: 'red' } })
    expect(body.errors.map((error: { pointer: string }) => error.pointer)).toEqual(['#'])
    const { body: named } = await server.request('POST', '/manage/v1/apps', { body: { slug: 'A' } })
    expect(named.errors).toEqual([{ pointer: '#/slug', detail: expect.stringContaining('pattern') }])
    expect(named.detail).toMatch(/^body\/slug: must match/)
  })

  const json = { 'content-type': 'application/json' }
  test.each<[string, string, string, Parameters<typeof server.request>[2], string]>([
    ['an unknown path', 'GET', '/nowhere', {}, '404 not-found'],
    ['an unknown path of the API', 'GET', '/manage/v1/nowhere', {}, '404 not-found'],
    ['another method', 'PUT', '/manage/v1/apps', {}, '404 not-found'],
    ['an address that cannot be read', 'GET', '/manage/v1/apps/%zz', {}, '400 invalid-request'],
    ['an address without end', 'GET', `/manage/v1/apps/${'x'.repeat(2000)}`, {}, '400 invalid-request'],
    ['malformed JSON', 'POST', '/manage/v1/apps', { body: '{"slug":', headers: json }, '400 malformed-json'],
    ['an empty body', 'POST', '/manage/v1/apps', { body: '', headers: json }, '400 malformed-json'],
    ['no body', 'POST', '/manage/v1/apps', {}, '400 invalid-request'],
    ['a list for an object', 'POST', '/manage/v1/apps', { body: '[]', headers: json }, '400 invalid-request'],
    [
      'a poisoned prototype',
      'POST',
      '/manage/v1/apps',
      { body: '{"__proto__":{}}', headers: json },
      '400 malformed-json',
    ],
    [
      'text',
      'POST',
      '/manage/v1/apps',
      { body: 'x', headers: { 'content-type': 'text/plain' } },
      '415 unsupported-media-type',
    ],
    [
      'XML',
      'POST',
      '/manage/v1/apps',
      { body: '<a/>', headers: { 'content-type': 'text/xml' } },
      '415 unsupported-media-type',
    ],
    ['too much JSON', 'POST', '/manage/v1/apps', { body: { slug: 'x'.repeat(1_100_000) } }, '413 body-too-large'],
    ['a limit that is no number', 'GET', '/manage/v1/apps?limit=many', {}, '400 invalid-request'],
    ['no token', 'GET', '/manage/v1/apps', { token: null }, '401 authentication-required'],
    ['an unknown problem type', 'GET', '/problems/constructor', {}, '404 not-found'],
  ])('answers %s', async (_case, method, url, options, expected) => {
    expect(problemOf(await server.request(method, url, options))).toBe(expected)
  })

  test.each(Object.keys(PROBLEMS))('of the type %s has a page that says what to do', async (type) => {
    const { status, headers, body } = await server.request('GET', `/problems/${type}`, { token: null })
    expect([status, headers['content-type']]).toEqual([200, 'text/plain; charset=utf-8'])
    expect(body).toContain(PROBLEMS[type as keyof typeof PROBLEMS].advice)
  })
})

describe('what comes over a socket and is not a request', () => {
  let port: number
  beforeAll(async () => {
    await server.listen()
    port = (server.app.http.server.address() as AddressInfo).port
  })
  const send = async (bytes: string) => {
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    socket.write(bytes)
    return text(socket)
  }

  test.each([
    ['something else than HTTP', 'SSH-2.0-OpenSSH_9.6\r\n\r\n', '400 Bad Request', 'invalid-request'],
    ['headers without end', `GET / HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`, '413', 'body-too-large'],
    [
      'two lengths',
      'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n',
      '400',
      'invalid-request',
    ],
  ])('is refused with a problem too: %s', async (_case, bytes, status, type) => {
    const answer = await send(bytes)
    expect(answer).toMatch(`HTTP/1.1 ${status}`)
    const [head = '', body = ''] = answer.split('\r\n\r\n')
    expect(head).toContain('content-type: application/problem+json')
    expect(JSON.parse(body)).toMatchObject({
      type: `/problems/${type}`,
      instance: expect.stringMatching(/^urn:request:/),
    })
  })
})

describe('an error that nobody expected', () => {
  test('says nothing about the inside', async () => {
    const database = openDatabase({ kind: 'sqlite', path: ':memory:' })
    const broken = await startTestServer({ database })
    onTestFinished(() => broken.close())
    await database.schema.dropTable('audit_entry').execute()
    const { status, headers, body } = await broken.request('GET', '/manage/v1/audit')
    expect([status, headers['content-type']]).toEqual([500, 'application/problem+json; charset=utf-8'])
    expect(body).toEqual({
      type: 'about:blank',
      title: 'Something went wrong here',
      status: 500,
      detail: 'The server met an error that it did not expect. Its log has it under this instance.',
      instance: expect.stringMatching(/^urn:request:/),
    })
  })
})
