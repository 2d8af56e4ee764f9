import { execFile } from 'node:child_process'
import { cp, mkdir, readFile, readdir } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { gunzipSync } from 'node:zlib'
import { createManagementClient } from '@hotpatch/api'
import {
  eventually,
  makeTemporaryDirectory,
  runCliProcess,
  sha256Of,
  startServerProcess,
  type ServerProcess,
} from '@hotpatch/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import type { ElectronOutcome, ElectronRun } from './electron-app.ts'

const ROOT = new URL('../', import.meta.url)
const BUILD = fileURLToPath(new URL('examples/electron/build-without-electron.mjs', ROOT))
const APP = fileURLToPath(new URL('electron-app.ts', import.meta.url))
const execute = promisify(execFile)

interface ChannelFile {
  version: string
  files: { url: string; sha512: string; size: number; blockMapSize?: number }[]
}

/** What electron-builder left, kept before the next build. */
interface Built {
  folder: string
  resources: string
  image: string
}

/** The real electron-builder and electron-updater; what is not real of the app is in examples/electron/README.md. */
describe.skipIf(process.env.HOTPATCH_ELECTRON_READY !== '1')(
  'the guide for apps of electron-builder, word for word',
  () => {
    let server: ServerProcess
    let old: Server
    let oldUrl = ''
    let directory = ''
    /** What the old place does: has files of its own, or leads on. */
    let oldFolder = ''
    let leadsOn = false

    beforeAll(async () => {
      directory = await makeTemporaryDirectory()
      await mkdir(join(directory, 'work'))
      const env = { HOTPATCH_LOG_LEVEL: 'warn', HOTPATCH_DEVICE_REQUESTS_PER_MINUTE: '0' }
      server = await startServerProcess({ directory: join(directory, 'data'), env })
      old = createServer((request, response) => void answer(request, response))
      await new Promise<void>((resolve) => old.listen(0, 'localhost', resolve))
      oldUrl = `http://localhost:${(old.address() as AddressInfo).port}/releases/`
    })
    afterAll(async () => {
      old?.close()
      await server?.stop()
    })

    /** The old place. Where it leads on, as the guide's nginx does it. */
    async function answer({ url = '' }: IncomingMessage, response: ServerResponse): Promise<void> {
      const { pathname, search } = new URL(url, 'http://old')
      const own = pathname.replace('/releases/', '')
      if (leadsOn) {
        const isHere = /^(?:.+\.yml|files\/.+)$/.test(own)
        response.writeHead(isHere ? 302 : 404, { location: `${server.url}/electron/demo/${own}${search}` }).end()
        return
      }
      const bytes = await readFile(join(oldFolder, own)).catch(() => undefined)
      response.writeHead(bytes ? 200 : 404).end(bytes)
    }

    const at = (...names: string[]) => join(directory, 'work', ...names)
    const newUrl = () => `${server.url}/electron/demo/`

    async function build(version: string, url: string): Promise<Built> {
      await execute(process.execPath, [BUILD, '--version', version, '--url', url, '--output', at('dist')])
      const folder = join(directory, `built-${version}`)
      await cp(at('dist'), folder, { recursive: true })
      const resources = join(folder, 'linux-unpacked', 'resources')
      return { folder, resources, image: join(folder, `Demo-${version}-x86_64.AppImage`) }
    }

    async function hotpatch(line: string): Promise<string> {
      const isLogin = line.startsWith('hotpatch login')
      const words = line.match(/"[^"]*"|\S+/g)?.map((word) => word.replaceAll('"', '')) ?? []
      const args = words.slice(1).map((word) => word.replace('https://updates.example.com', server.url))
      const { code, stdout, stderr } = await runCliProcess(isLogin ? [...args, '--token-stdin'] : args, {
        cwd: at(),
        env: { HOME: directory, TMPDIR: directory },
        ...(isLogin && { input: server.ownerToken }),
      })
      expect([line, code, stderr]).toEqual([line, 0, expect.anything()])
      return stdout + stderr
    }

    /** The app as it was built, with the channel file's address that the build wrote into it. */
    async function start({ resources, image }: Built, version: string, changes: Partial<ElectronRun> = {}) {
      const folder = await makeTemporaryDirectory()
      const installed = join(folder, 'Demo.AppImage')
      await cp(image, installed)
      const stagingId = 'a8b5c2d0-1111-5222-8333-444455556666'
      const run = {
        platform: 'linux',
        version,
        url: oldUrl,
        resources,
        folder,
        installed,
        stagingId,
        download: true,
        ...changes,
      }
      const { stdout } = await execute(process.execPath, [APP, JSON.stringify(run)])
      return JSON.parse(stdout) as ElectronOutcome
    }

    async function channelFile(name: string, stagingId?: string): Promise<ChannelFile> {
      const headers = stagingId === undefined ? {} : { 'x-user-staging-id': stagingId }
      return parse(await (await fetch(`${newUrl()}${name}`, { headers })).text()) as ChannelFile
    }

    test('from another place to here, a part of the devices, and the same address', async () => {
      const text = await readFile(new URL('docs/guides/moving-from-electron-releases.md', ROOT), 'utf8')
      const lines = [...text.matchAll(/^```sh\n(.*?)^```/gms)].flatMap(([, code = '']) => code.trim().split('\n'))
      const before = await build('1.0.0', oldUrl)
      oldFolder = before.folder
      const builds = [
        { version: '1.1.0', url: newUrl() },
        { version: '1.2.0', url: newUrl() },
      ]
      const built: Built[] = []
      const told: string[] = []
      for (const line of lines) {
        if (line === 'npm run dist') {
          const { version = '', url = '' } = builds[built.length] ?? {}
          built.push(await build(version, url))
        } else told.push(await hotpatch(line))
      }
      const [bridge, next] = built
      if (!bridge || !next || built.length !== builds.length) throw new Error('The guide builds something else.')
      // The version is the build's word, and the files are those that it names.
      expect(told.join()).toMatch(
        /dist\/Demo-1\.0\.0-x86_64\.AppImage.*, by latest-linux-arm64\.yml, latest-linux\.yml, latest-mac\.yml/,
      )

      // Who has the app already is told of the one version in between where it always asked.
      expect(await start(before, '1.0.0')).toMatchObject({ available: false, version: '1.0.0' })
      oldFolder = bridge.folder
      const bridgeImage = await readFile(bridge.image)
      expect(await start(before, '1.0.0')).toMatchObject({
        version: '1.1.0',
        error: null,
        sha256: sha256Of(bridgeImage),
      })

      // From then on it asks here, and is in the rollout or not.
      const ids = Array.from({ length: 300 }, (_, index) => `a8b5c2d0-1111-5222-8333-444455550${100 + index}`)
      const versions = await Promise.all(ids.map(async (id) => (await channelFile('latest-linux.yml', id)).version))
      expect([...new Set(versions)].toSorted()).toEqual(['1.1.0', '1.2.0'])
      const [outside = '', inside = ''] = ['1.1.0', '1.2.0'].map((version) => ids[versions.indexOf(version)] ?? '')
      expect(await start(bridge, '1.1.0', { stagingId: outside })).toMatchObject({
        available: false,
        version: '1.1.0',
        error: null,
      })
      const updated = await start(bridge, '1.1.0', { stagingId: inside })
      expect(updated).toMatchObject({ version: '1.2.0', error: null, sha256: sha256Of(await readFile(next.image)) })
      expect(updated.log.join('\n')).toMatch(/File has \d+ changed blocks/)
      expect(updated.log.join('\n')).not.toContain('fallback')

      // An old address that leads here: the id by which a rollout knows a device comes along.
      leadsOn = true
      expect(await start(before, '1.0.0', { stagingId: inside })).toMatchObject({ version: '1.2.0', error: null })
      expect(await start(before, '1.0.0', { stagingId: outside })).toMatchObject({ version: '1.1.0', error: null })
    })

    test('what the server says of a build is what electron-builder said', async () => {
      const folder = join(directory, 'built-1.1.0')
      for (const name of (await readdir(folder)).filter((each) => /^latest.*\.yml$/.test(each))) {
        const said = parse(await readFile(join(folder, name), 'utf8')) as ChannelFile
        const isSame = async () => {
          const served = await channelFile(name)
          expect(served.version).toBe(said.version)
          const facts = ({ files }: ChannelFile) =>
            files.map(({ url, sha512, size, blockMapSize }) => ({
              name: url.split('/').at(-1),
              sha512,
              size,
              blockMapSize,
            }))
          expect(facts(served)).toEqual(expect.arrayContaining(facts(said)))
          expect(served.files).toHaveLength(said.files.length)
        }
        await eventually(isSame)
      }
      const map = 'Demo-1.1.0-arm64.zip.blockmap'
      const served = await fetch(`${newUrl()}files/production/macos/1.1.0/arm64/${map}`)
      const [ours, theirs] = [Buffer.from(await served.arrayBuffer()), await readFile(join(folder, map))].map((bytes) =>
        JSON.parse(gunzipSync(bytes).toString()),
      )
      expect(ours).toEqual(theirs)
    })

    test('the processor of each file is in its name', async () => {
      const api = createManagementClient({ url: server.url, token: server.ownerToken })
      const { items } = await api.listReleases('demo', { platform: 'linux' })
      const [{ content } = {}] = items.filter(({ version }) => version === '1.1.0')
      expect(content?.kind === 'binary' && content.files.map(({ name, architecture }) => [name, architecture])).toEqual(
        [
          ['Demo-1.1.0-arm64.AppImage', 'arm64'],
          ['Demo-1.1.0-x86_64.AppImage', 'x86_64'],
        ],
      )
    })
  },
)
