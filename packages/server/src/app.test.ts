import { once } from 'node:events'
import { connect, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { bundleOf, eventually, injectRequest, listFiles, publishForm, temporaryDirectory } from '@hotpatch/testkit'
import { describe, expect, test } from 'vitest'
import { createApp, type App } from './app.ts'
import { readConfig } from './configuration/config.ts'
import { readEnvironment } from './configuration/env.ts'

const startOn = (directory: string, env: Record<string, string> = {}) =>
  createApp({
    config: readConfig(readEnvironment({ HOTPATCH_DATA: directory, HOTPATCH_LOG_LEVEL: 'silent', ...env })),
  })

/** Starts to send a bundle over a socket, and stops in the middle of it. */
async function sendHalfOfAnUpload(app: App, directory: string, token: string) {
  await app.http.listen({ host: '127.0.0.1', port: 0 })
  const form = new Response(publishForm({ platform: 'android', version: '1.0.0' }, await bundleOf('x'.repeat(100_000))))
  const body = Buffer.from(await form.arrayBuffer())
  const socket = connect((app.http.server.address() as AddressInfo).port, '127.0.0.1')
  const answer = text(socket)
  const head = [
    'POST /manage/v1/apps/demo/releases HTTP/1.1',
    'host: localhost',
    'connection: close',
    `authorization: Bearer ${token}`,
    `content-type: ${form.headers.get('content-type')}`,
    `content-length: ${body.length}`,
  ]
  socket.write(`${head.join('\r\n')}\r\n\r\n`)
  const middle = body.indexOf('PK') + 40
  socket.write(body.subarray(0, middle))
  await eventually(async () => expect(await listFiles(join(directory, 'uploads'))).toHaveLength(1))
  return { sendTheRest: () => socket.write(body.subarray(middle)), answer }
}

describe('a server that is stopped', () => {
  test('finishes the upload that is coming in, and writes what devices told', async () => {
    const directory = await temporaryDirectory()
    const first = await startOn(directory)
    const token = first.ownerToken ?? ''
    const headers = { authorization: `Bearer ${token}` }
    const created = await injectRequest(first, {
      method: 'POST',
      url: '/manage/v1/apps',
      headers,
      payload: { slug: 'demo', deviceIds: 'as-given' },
    })
    const { appKey } = created.json()
    const payload = { deviceId: 'last-words', platform: 'android', version: '1' }
    const check = await injectRequest(first, {
      method: 'POST',
      url: '/update/check',
      payload,
      headers: { 'x-app-key': appKey },
    })
    expect(check.statusCode).toBe(200)

    const upload = await sendHalfOfAnUpload(first, directory, token)
    const closed = first.close()
    upload.sendTheRest()
    expect(await upload.answer).toMatch(/^HTTP\/1\.1 201 /)
    await closed

    const second = await startOn(directory)
    expect(second.ownerToken).toBeUndefined()
    const get = async (url: string) => (await injectRequest(second, { url, headers })).json()
    expect((await get('/manage/v1/apps/demo/releases')).items).toMatchObject([{ version: '1.0.0' }])
    expect((await get('/manage/v1/apps/demo/devices')).items).toMatchObject([{ id: 'last-words' }])
    await second.close()
  })

  test.each(['/auth/token', '/events'])('closes a connection when it has its answer: %s', async (path) => {
    const app = await startOn(await temporaryDirectory(), { HOTPATCH_STOP_SECONDS: '600' })
    await app.http.listen({ host: '127.0.0.1', port: 0 })
    const socket = connect((app.http.server.address() as AddressInfo).port, '127.0.0.1')
    const answer = text(socket)
    const body = JSON.stringify({ apiKey: 'nobody' })
    const asked = once(app.http.server, 'request')
    const head = `host: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}`
    socket.write(`POST ${path} HTTP/1.1\r\n${head}\r\n\r\n${body.slice(0, 5)}`)
    await asked
    const closed = app.close()
    socket.write(body.slice(5))
    expect(await answer).toMatch(/^HTTP\/1\.1 401 /)
    await closed
  })

  test('does not wait longer than it was told for an upload that stalls, and keeps nothing of it', async () => {
    const directory = await temporaryDirectory()
    const app = await startOn(directory, { HOTPATCH_STOP_SECONDS: '1' })
    const token = app.ownerToken ?? ''
    const headers = { authorization: `Bearer ${token}` }
    await injectRequest(app, { method: 'POST', url: '/manage/v1/apps', headers, payload: { slug: 'demo' } })
    const upload = await sendHalfOfAnUpload(app, directory, token)
    await app.close()
    expect(await upload.answer).toBe('')
    const again = await startOn(directory)
    expect((await injectRequest(again, { url: '/manage/v1/apps/demo/releases', headers })).json().items).toEqual([])
    await again.close()
    expect((await listFiles(directory)).filter((path) => /^\/(?:artifacts|uploads)\//.test(path))).toEqual([])
  })
})

describe('a server that starts again', () => {
  test('knows the access tokens that it made before', async () => {
    const directory = await temporaryDirectory()
    const first = await startOn(directory)
    const apiKey = first.ownerToken ?? ''
    const pair = await injectRequest(first, { method: 'POST', url: '/auth/token', payload: { apiKey } })
    await first.close()
    const second = await startOn(directory)
    const headers = { authorization: `Bearer ${pair.json().accessToken}` }
    expect((await injectRequest(second, { url: '/manage/v1/whoami', headers })).statusCode).toBe(200)
    await second.close()
  })
})
