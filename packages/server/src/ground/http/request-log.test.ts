import { startServerProcess, temporaryDirectory } from '@hotpatch/testkit'
import { expect, test } from 'vitest'

test('the log has a line for each request, and no secret', async () => {
  const directory = await temporaryDirectory()
  const server = await startServerProcess({ directory, env: { HOTPATCH_LOG_LEVEL: 'debug' } })
  const call = (path: string, init: RequestInit = {}) => fetch(server.url + path, init)
  const headers = { authorization: `Bearer ${server.ownerToken}`, 'content-type': 'application/json' }
  const post = async (path: string, body: unknown) =>
    (await call(path, { method: 'POST', headers, body: JSON.stringify(body) })).json() as Promise<
      Record<string, string>
    >

  const { appKey } = await post('/manage/v1/apps', { slug: 'demo' })
  const { token } = await post('/manage/v1/tokens', { name: 'ci', role: 'reader' })
  const pair = await post('/auth/token', { apiKey: token })
  await post('/auth/refresh', { refreshToken: pair.refreshToken })
  await call('/update/check?deviceId=secret-device&platform=ios&version=1', { headers: { 'x-app-key': appKey } })
  await call(`/manage/v1/whoami?token=${token}`)
  await call('/manage/v1/whoami', { headers: { authorization: `Bearer ${pair.accessToken}x` } })
  expect(await server.stop()).toBe(0)

  // Not at a terminal, all that it prints is JSON.
  const lines = server.output().split('\n')
  const requests = lines.map((line) => JSON.parse(line)).filter(({ msg }) => msg === 'request')
  expect(requests).toContainEqual(
    expect.objectContaining({
      method: 'POST',
      path: '/manage/v1/apps',
      status: 201,
      actor: 'owner',
      reqId: expect.any(String),
    }),
  )
  expect(requests).toContainEqual(expect.objectContaining({ path: '/manage/v1/whoami', status: 401 }))
  for (const secret of [server.ownerToken, token, appKey, pair.accessToken, pair.refreshToken, 'secret-device']) {
    expect(lines.join('\n')).not.toContain(secret)
  }
})
