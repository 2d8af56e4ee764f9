import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { request } from 'node:https'
import type { IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { eventually, publishForm, startServerProcess, temporaryDirectory, zipOf } from '@hotpatch/testkit'
import { noise } from '@hotpatch/testkit/archives'
import { describe, expect, onTestFinished, test } from 'vitest'
import { freePort } from '@hotpatch/testkit/free-port'

const run = promisify(execFile)
const PROXIES = fileURLToPath(new URL('../deploy/proxies/', import.meta.url))

interface Proxy {
  name: string
  program: string | undefined
  /** Starts it before the server at this port, and returns its https address. */
  start(program: string, serverPort: number): Promise<string>
}

/** The file as it is, but for ports, the address of the server and the place of the certificate. */
async function startNginx(program: string, serverPort: number): Promise<string> {
  const directory = await temporaryDirectory()
  const [plain, secure] = [await freePort(), await freePort()]
  const subject = [
    '-subj',
    '/CN=localhost',
    '-days',
    '1',
    '-nodes',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
  ]
  await run('openssl', ['req', '-x509', ...subject, '-keyout', `${directory}/key.pem`, '-out', `${directory}/cert.pem`])
  const site = (await readFile(join(PROXIES, 'nginx.conf'), 'utf8'))
    .replace('listen 80;', `listen 127.0.0.1:${plain};`)
    .replace('listen 443 ssl http2;', `listen 127.0.0.1:${secure} ssl http2;`)
    .replace('server 127.0.0.1:8080;', `server 127.0.0.1:${serverPort};`)
    .replace(/ssl_certificate .*;/, `ssl_certificate ${directory}/cert.pem;`)
    .replace(/ssl_certificate_key .*;/, `ssl_certificate_key ${directory}/key.pem;`)
  await mkdir(join(directory, 'logs'))
  const kinds = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  const places = kinds.map((kind) => `${kind}_temp_path ${directory}/${kind};`).join(' ')
  const config = join(directory, 'nginx.conf')
  await writeFile(
    config,
    `daemon off; master_process off; pid ${directory}/pid; error_log stderr; events {} http { access_log off; ${places}\n${site}}`,
  )
  // With words when it is not as it must be.
  await run(program, ['-t', '-p', directory, '-c', config])
  startProgram(program, ['-p', directory, '-c', config], 'SIGQUIT')
  return `https://localhost:${secure}`
}

async function startCaddy(program: string, serverPort: number): Promise<string> {
  const directory = await temporaryDirectory()
  const [plain, secure] = [await freePort(), await freePort()]
  const ports = `admin off\n\thttp_port ${plain}\n\thttps_port ${secure}\n\tskip_install_trust`
  const text = (await readFile(join(PROXIES, 'Caddyfile'), 'utf8')).replace('admin off', ports)
  const config = join(directory, 'Caddyfile')
  await writeFile(config, text)
  const env = {
    HOME: directory,
    XDG_DATA_HOME: directory,
    XDG_CONFIG_HOME: directory,
    HOTPATCH_UPSTREAM: `127.0.0.1:${serverPort}`,
  }
  const file = ['--config', config, '--adapter', 'caddyfile']
  await run(program, ['validate', ...file], { env })
  startProgram(program, ['run', ...file], 'SIGTERM', env)
  return `https://localhost:${secure}`
}

function startProgram(program: string, args: string[], end: NodeJS.Signals, env?: Record<string, string>) {
  const child = spawn(program, args, { stdio: 'ignore', ...(env && { env }) })
  onTestFinished(async () => {
    child.kill(end)
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  })
}

const ALL: Proxy[] = [
  { name: 'nginx', program: process.env.NGINX_PATH, start: startNginx },
  { name: 'Caddy', program: process.env.CADDY_PATH, start: startCaddy },
]

/** Over https, with the certificate of this test. */
async function ask(
  url: string,
  options: { method?: string; headers?: Record<string, string>; body?: Blob | FormData } = {},
): Promise<IncomingMessage> {
  const { body, headers, ...others } = options
  const sent = body === undefined ? undefined : new Response(body)
  const type = sent?.headers.get('content-type')
  const asked = request(url, {
    rejectUnauthorized: false,
    family: 4,
    agent: false,
    ...others,
    headers: { ...headers, ...(type && { 'content-type': type }) },
  })
  const answered = once(asked, 'response') as Promise<[IncomingMessage]>
  answered.catch(() => undefined) // told by the one below
  if (sent?.body) await pipeline(Readable.fromWeb(sent.body as never), asked)
  else asked.end()
  return (await answered)[0]
}

async function read<Answer>(answer: IncomingMessage): Promise<Answer> {
  return JSON.parse((await buffer(answer)).toString()) as Answer
}

describe.each(ALL)('behind a real $name, by the file of deploy/', ({ program = '', start }) => {
  test.skipIf(!program)(
    'addresses are true, uploads are large, downloads are of ranges, and the stream is live',
    async () => {
      const server = await startServerProcess({
        directory: await temporaryDirectory(),
        env: { HOTPATCH_TRUST_PROXY: '127.0.0.1', HOTPATCH_ADDRESS_REQUESTS_PER_MINUTE: '3' },
      })
      onTestFinished(() => server.stop().then(() => undefined))
      const url = await start(program, Number(new URL(server.url).port))
      await eventually(async () => expect((await ask(`${url}/readyz`)).statusCode).toBe(200))
      const authorization = `Bearer ${server.ownerToken}`
      const created = await ask(`${url}/manage/v1/apps`, {
        method: 'POST',
        headers: { authorization },
        body: new Blob([JSON.stringify({ slug: 'shop' })], { type: 'application/json' }),
      })
      expect(created.statusCode).toBe(201)
      const { appKey } = await read<{ appKey: string }>(created)

      // Open before anything is to be told.
      const stream = await ask(`${url}/manage/v1/stream`, { headers: { authorization, accept: 'text/event-stream' } })
      onTestFinished(() => void stream.destroy())
      expect([stream.statusCode, stream.headers['content-type']]).toEqual([
        200,
        expect.stringContaining('text/event-stream'),
      ])
      let told = ''
      stream.setEncoding('utf8').on('data', (piece: string) => (told += piece))
      await expect.poll(() => told).toContain('the live stream of HotPatch')

      // Both refuse more than a megabyte or so where nothing is said.
      const bundle = await zipOf({ 'index.android.bundle': noise(6_000_000) })
      const form = publishForm({ platform: 'android', version: '1.0.0' }, bundle, {})
      const published = await ask(`${url}/manage/v1/apps/shop/releases`, {
        method: 'POST',
        headers: { authorization },
        body: form,
      })
      expect(published.statusCode).toBe(201)
      await expect.poll(() => told).toContain('1.0.0')

      const check = (count: number) =>
        ask(`${url}/update/check?deviceId=device-${count}&platform=android&version=1`, {
          headers: {
            'x-app-key': appKey,
            'x-forwarded-for': `203.0.113.${count}`,
            'x-forwarded-host': 'evil.example.net',
            'x-forwarded-proto': 'http',
          },
        })
      const answers = [await check(1), await check(2), await check(3), await check(4)]
      expect(answers.map(({ statusCode }) => statusCode)).toEqual([200, 200, 200, 429])
      const { bundleUrl } = await read<{ bundleUrl: string }>(answers[0] as IncomingMessage)
      expect(bundleUrl).toMatch(/^https:\/\/localhost(:\d+)?\/artifacts\//)
      const part = await ask(url + new URL(bundleUrl).pathname, { headers: { range: 'bytes=1000-1999' } })
      expect(part.statusCode).toBe(206)
      expect(await buffer(part)).toEqual(bundle.subarray(1000, 2000))
    },
  )
})
