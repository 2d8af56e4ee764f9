import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { bundleOf, publishForm, startServerProcess, temporaryDirectory } from '@hotpatch/testkit'
import { describe, expect, onTestFinished, test } from 'vitest'

const NGINX = process.env.NGINX_PATH
const GUIDE = new URL('../docs/guides/self-hosting.md', import.meta.url)

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** With the lines of the guide, to the letter but for the port. @returns its address */
async function startNginx(program: string, serverUrl: string): Promise<string> {
  const documented = /```nginx\n([^]*?)```/.exec(await readFile(GUIDE, 'utf8'))?.[1] ?? ''
  const directory = await temporaryDirectory()
  const port = await freePort()
  const path = join(directory, 'nginx.conf')
  await mkdir(join(directory, 'logs'))
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((kind) => `${kind}_temp_path ${directory}/${kind};`)
    .join(' ')
  await writeFile(
    path,
    `daemon off; master_process off; pid ${directory}/pid; error_log stderr notice; events {}
     http { access_log off; ${temporary} server { listen 127.0.0.1:${port};
       ${documented.replace('http://127.0.0.1:8080', serverUrl)} } }`,
  )
  const nginx = spawn(program, ['-p', directory, '-c', path], { stdio: ['ignore', 'ignore', 'pipe'] })
  onTestFinished(async () => {
    nginx.kill('SIGQUIT')
    if (nginx.exitCode === null) await once(nginx, 'exit')
  })
  const lines: string[] = []
  for await (const line of createInterface({ input: nginx.stderr })) {
    lines.push(line)
    // It listens before it says how it was built.
    if (line.includes('built by') || line.includes('OS: ')) return `http://127.0.0.1:${port}`
  }
  throw new Error(`nginx did not start: ${lines.join('\n')}`)
}

describe.skipIf(!NGINX)('behind a real nginx, as the guide has it', () => {
  test('a client cannot choose its address, its scheme or its host, and uploads pass', async () => {
    const server = await startServerProcess({
      directory: await temporaryDirectory(),
      env: { HOTPATCH_TRUST_PROXY: '127.0.0.1', HOTPATCH_ADDRESS_REQUESTS_PER_MINUTE: '3' },
    })
    onTestFinished(() => server.stop().then(() => undefined))
    const url = await startNginx(NGINX ?? '', server.url)
    const authorization = `Bearer ${server.ownerToken}`

    const created = await fetch(`${url}/manage/v1/apps`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json' },
      body: JSON.stringify({ slug: 'shop' }),
    })
    const app = (await created.json()) as { appKey: string }
    const published = await fetch(`${url}/manage/v1/apps/shop/releases`, {
      method: 'POST',
      headers: { authorization },
      body: publishForm({ platform: 'android', version: '1.0.0' }, await bundleOf('one'), {}),
    })
    expect(published.status).toBe(201)

    const check = (count: number) =>
      fetch(`${url}/update/check?deviceId=device-${count}&platform=android&version=1`, {
        headers: {
          'x-app-key': app.appKey,
          'x-forwarded-for': `203.0.113.${count}`,
          'x-forwarded-host': 'evil.example.net',
          'x-forwarded-proto': 'https',
        },
      })
    const answers = [await check(1), await check(2), await check(3), await check(4)]
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 429])
    const [offer] = await Promise.all(answers.map((answer) => answer.json() as Promise<{ bundleUrl: string }>))
    expect(offer?.bundleUrl).toMatch(/^http:\/\/127\.0\.0\.1(:\d+)?\/artifacts\//)
  })
})
