import { createServer, request as forward } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { useServer } from '../testing/server-suite.ts'

const server = useServer()

/** Forwards what it is asked to, and refuses tunnels. */
async function startProxy() {
  const asked: string[] = []
  const proxy = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`)
    const { method, headers } = request
    const onward = forward(request.url ?? '', { ...(method && { method }), headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    })
    request.pipe(onward)
  })
  proxy.on('connect', (request, socket) => {
    asked.push(`CONNECT ${request.url}`)
    socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n')
  })
  await new Promise<void>((resolve) => {
    proxy.listen(0, '127.0.0.1', resolve)
  })
  onTestFinished(() => {
    proxy.closeAllConnections()
    proxy.close()
  })
  return { asked, url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}` }
}

describe('the proxy of the environment', () => {
  test.each(['HTTP_PROXY', 'http_proxy'])('carries requests and uploads: %s', async (name) => {
    const proxy = await startProxy()
    const { run, write, env } = await server.createPublisher()
    await write({ 'dist/index.android.bundle': 'bundle' })
    const proxied = { env: { ...env, [name]: proxy.url } }
    const published = await run('release --platform android --bundle-dir dist --version 1.0.0 --yes', proxied)
    expect(published).toMatchObject({ exitCode: 0 })
    expect(proxy.asked).toContainEqual(expect.stringMatching(/^POST .*\/releases$/))
  })

  test('is left out for what NO_PROXY names, and when it is set to nothing', async () => {
    const proxy = await startProxy()
    const { run, env } = await server.createPublisher()
    const direct = { ...env, HTTP_PROXY: proxy.url, NO_PROXY: '127.0.0.1,localhost' }
    expect((await run('whoami', { env: direct })).exitCode).toBe(0)
    expect((await run('whoami', { env: { ...env, HTTP_PROXY: '' } })).exitCode).toBe(0)
    expect(proxy.asked).toEqual([])
  })

  test('makes a tunnel to what is encrypted, and is named when it fails', async () => {
    const proxy = await startProxy()
    const { run, env } = await server.createPublisher()
    const url = 'https://updates.example.invalid'
    const failed = await run(['whoami', '--url', url], {
      env: { ...env, HTTPS_PROXY: proxy.url.replace('//', '//me:hunter2@') },
    })
    expect(proxy.asked).toEqual(['CONNECT updates.example.invalid:443'])
    expect(failed).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining(`the proxy is ${proxy.url} of HTTPS_PROXY`),
    })
    expect(failed.stderr).not.toContain('hunter2')
  })

  test('is missed when a name is not found, and shown by doctor', async () => {
    const proxy = await startProxy()
    const { run, env } = await server.createPublisher()
    const lost = await run(['whoami', '--url', 'https://updates.example.invalid'], { env })
    expect(lost.stderr).toMatch(/(ENOTFOUND|EAI_AGAIN).*No proxy is set/)
    expect((await run('doctor', { env })).stdout).toContain('proxy: No proxy is set')
    const shown = await run('doctor', { env: { ...env, HTTP_PROXY: proxy.url, NO_PROXY: 'intern' } })
    expect(shown.stdout).toContain(`proxy: ${proxy.url} (from HTTP_PROXY), except for intern.`)
    const broken = await run('whoami', { env: { ...env, HTTP_PROXY: 'me:hunter2@::' } })
    expect(broken).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('HTTP_PROXY: expected an address') })
    expect(broken.stderr).not.toContain('hunter2')
  })
})
