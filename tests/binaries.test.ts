import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import {
  createPostgresDatabase,
  makeTemporaryDirectory,
  runCliProcess,
  startServerProcess,
  type ServerProcess,
} from '@hotpatch/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const ROOT = new URL('../', import.meta.url)
const sha256Of = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

describe.each([
  ['SQLite', true],
  ['PostgreSQL', Boolean(process.env.TEST_POSTGRES_URL)],
] as const)('the guide to whole apps, word for word, on %s', (database, isThere) => {
  let server: ServerProcess
  let downloads: Server
  let drop: () => Promise<unknown> = () => Promise.resolve()
  let directory: string
  let next: Buffer
  const own = new Map<string, string>()

  beforeAll(async () => {
    if (!isThere) return
    directory = await makeTemporaryDirectory()
    const env: Record<string, string> = { HOTPATCH_LOG_LEVEL: 'warn' }
    if (database === 'PostgreSQL') {
      const created = await createPostgresDatabase(process.env.TEST_POSTGRES_URL ?? '')
      env.DATABASE_URL = created.url
      drop = created.drop
    }
    server = await startServerProcess({ directory: join(directory, 'data'), env })
    next = await readFile(new URL('examples/binaries/hello-1.2.0.apk', ROOT))
    downloads = await serveByHttps(directory, next)
    const { port } = downloads.address() as AddressInfo
    own.set('https://updates.example.com', server.url)
    own.set('https://downloads.example.com', `https://localhost:${port}`)
    const disk = Buffer.concat([Buffer.alloc(3_000, 7), Buffer.from('koly'), Buffer.alloc(508)])
    await mkdir(join(directory, 'work', 'dist'), { recursive: true })
    await writeFile(
      join(directory, 'work', 'hello-1.1.0.apk'),
      await readFile(new URL('examples/binaries/hello-1.1.0.apk', ROOT)),
    )
    await writeFile(join(directory, 'work', 'dist', 'Hello-1.1.0-arm64.dmg'), disk)
    await writeFile(
      join(directory, 'work', 'dist', 'latest-mac.yml'),
      'version: 1.1.0\nfiles:\n  - url: Hello-1.1.0-arm64.dmg\npath: Hello-1.1.0-arm64.dmg\n',
    )
  })
  afterAll(async () => {
    downloads?.close()
    await server?.stop()
    await drop()
  })

  async function hotpatch(line: string) {
    const words = line.match(/"[^"]*"|\S+/g)?.map((word) => word.replaceAll('"', '')) ?? []
    const isLogin = words[1] === 'login'
    const env = { HOME: directory, TMPDIR: directory, NODE_EXTRA_CA_CERTS: join(directory, 'localhost.pem') }
    const args = [...words.slice(1), ...(isLogin ? ['--token-stdin'] : [])]
    const { code, stdout, stderr } = await runCliProcess(args, {
      cwd: join(directory, 'work'),
      env,
      ...(isLogin && { input: server.ownerToken }),
    })
    expect([line, code, stderr]).toEqual([line, 0, expect.anything()])
    return stdout
  }

  async function latest(path = 'latest?platform=android'): Promise<Record<string, unknown>> {
    const response = await fetch(`${server.url}/apps/hello/api/updates/${path}`)
    return (await response.json()) as Record<string, unknown>
  }

  async function check(version: string): Promise<Record<string, unknown>> {
    const response = await fetch(`${server.url}/apps/hello/api/updates/check`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ platform: 'android', current_version: version, device_id: 'phone', formats: ['apk'] }),
    })
    return (await response.json()) as Record<string, unknown>
  }

  test.skipIf(!isThere)('publishes by file and by address, takes back and has again', async () => {
    const text = await readFile(new URL('docs/guides/binaries.md', ROOT), 'utf8')
    const lines = [...text.matchAll(/^```sh\n(.*?)^```/gms)].flatMap(([, code = '']) => code.trim().split('\n'))
    expect(lines.every((line) => line.startsWith('hotpatch '))).toBe(true)
    const after: Record<string, () => Promise<void>> = {
      'binary show': async () => {
        expect(await latest()).toMatchObject({ version: '1.1.0+1', release_notes: 'The first', is_mandatory: false })
        expect(await check('1.0.0')).toMatchObject({ update_available: true, latest_version: '1.1.0+1' })
      },
      'publish dist': async () => {
        expect(await latest('latest?platform=macos&architecture=arm64')).toMatchObject({ version: '1.1.0' })
      },
      'binary publish --download-url': async () => {
        const offered = await check('1.0.0')
        expect(offered).toMatchObject({ latest_version: '1.2.0+2', is_mandatory: true, checksum: sha256Of(next) })
        expect(await check('1.1.0+1')).toMatchObject({ update_available: true, is_mandatory: false })
      },
      'binary deactivate': async () => {
        expect(await latest()).toMatchObject({ version: '1.1.0+1' })
        expect(await check('1.0.0')).toMatchObject({ latest_version: '1.1.0+1' })
        expect(await check('1.2.0+2')).toMatchObject({ update_available: false })
      },
      'binary activate': async () => {
        expect(await latest()).toMatchObject({ version: '1.2.0+2' })
      },
    }
    const told = new Set<string>()
    for (const line of lines) {
      await hotpatch([...own].reduce((each, [from, to]) => each.replaceAll(from, to), line))
      const name = Object.keys(after).find((start) => line.startsWith(`hotpatch ${start}`))
      if (name !== undefined) await after[name]?.()
      if (name !== undefined) told.add(name)
    }
    expect([...told]).toEqual(Object.keys(after))
  })
})

/** As somebody else's server has a file, with a certificate of its own. */
async function serveByHttps(directory: string, bytes: Buffer): Promise<Server> {
  const [key, cert] = [join(directory, 'localhost.key'), join(directory, 'localhost.pem')]
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost']
  const made = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-keyout', key, '-out', cert, ...subject]
  await promisify(execFile)('openssl', made)
  const server = createServer({ key: await readFile(key), cert: await readFile(cert) }, (_request, response) => {
    response.end(bytes)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return server
}
