import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import {
  bundleOf,
  eventually,
  publishFiles,
  publishForm,
  startServerProcess,
  startTestServer,
  temporaryDirectory,
} from '@hotpatch/testkit'
import { noise } from '@hotpatch/testkit/archives'
import { exportOf } from '@hotpatch/testkit/expo'
import { describe, expect, onTestFinished, test } from 'vitest'
import { freePort } from '@hotpatch/testkit/free-port'

const NGINX = process.env.NGINX_PATH
const GUIDE = new URL('../docs/guides/self-hosting.md', import.meta.url)

/**
 * With the lines of the guide, to the letter but for the port.
 *
 * @param more before them
 * @returns its address
 */
async function startNginx(program: string, serverUrl: string, more = ''): Promise<string> {
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
     http { access_log off; ${temporary} proxy_cache_path ${directory}/cache keys_zone=kept:1m;
       server { listen 127.0.0.1:${port}; ${more} ${documented.replace('http://127.0.0.1:8080', serverUrl)} } }`,
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

  test.each([
    { cache: 'that looks at what an answer depends on', ignored: '' },
    { cache: 'that does not', ignored: 'proxy_ignore_headers Vary;' },
  ])("a cache $cache mixes up no patch of Expo's with the bundle that it makes", async ({ ignored }) => {
    const server = await startTestServer({ env: { HOTPATCH_PATCH_BASES: '1' } })
    onTestFinished(() => server.close())
    const cached = `proxy_cache kept; proxy_cache_valid any 1h; add_header x-cache $upstream_cache_status always; ${ignored}`
    const origin = (await server.listen()).replace(/\/$/, '')
    const url = await startNginx(NGINX ?? '', origin, cached)
    const app = await server.createTestApp({ checkAccess: 'open', platforms: ['android'] })
    const codeOf = (text: string) => `${text} ${noise(20_000).toString('hex')}`
    const told = { 'expo-platform': 'android', 'expo-protocol-version': '1', 'expo-runtime-version': '1' }
    async function publish(
      version: string,
      headers: Record<string, string> = {},
    ): Promise<{ id: string; path: string }> {
      const files = exportOf({ bundle: codeOf(version) })
      await publishFiles(server, app, { files, platform: 'android', runtimeVersion: '1', version })
      const asked = { token: null, headers: { ...told, ...headers } }
      const { body } = await server.request('GET', `/expo/${app.slug}/manifest`, asked)
      const { id, launchAsset } = JSON.parse(/\{"id".*\}/.exec(String(body))?.[0] ?? '{}')
      return { id, path: new URL(launchAsset.url).pathname }
    }
    const first = await publish('1.0.0')
    const second = await publish('1.1.0', { 'expo-current-update-id': first.id })
    const asking = { ...told, 'expo-requested-update-id': second.id, 'expo-current-update-id': first.id }
    const forPatch = { ...asking, 'a-im': 'bsdiff' }
    await eventually(async () => {
      expect((await fetch(origin + second.path, { headers: forPatch })).status).toBe(226)
    })

    const load = async (headers: Record<string, string>) => {
      const answer = await fetch(url + second.path, { headers })
      const bytes = Buffer.from(await answer.arrayBuffer())
      const isWhole = bytes.toString() === codeOf('1.1.0')
      expect([answer.status, answer.headers.get('im')]).toEqual(isWhole ? [200, null] : [226, 'bsdiff'])
      return { isWhole, isKept: answer.headers.get('x-cache') === 'HIT' }
    }
    expect(await load(forPatch)).toEqual({ isWhole: false, isKept: false })
    expect(await load(asking)).toEqual({ isWhole: true, isKept: false })
    expect(await load(asking)).toEqual({ isWhole: true, isKept: true })
    expect(
      (await load({ ...forPatch, 'expo-current-update-id': 'ffffffff-0000-8000-8000-000000000000' })).isWhole,
    ).toBe(true)
    // Whoever does not tell those who ask apart sends the whole to all of them.
    expect((await load(forPatch)).isWhole).toBe(ignored !== '')
  })
})
