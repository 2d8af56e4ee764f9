import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { PublishedRelease, Rollout } from '../../../packages/api/src/index.ts'
import { noise } from '../../../packages/testkit/src/archives/index.ts'
import { appImage } from '../../../packages/testkit/src/desktop-files.ts'
import { runCliProcess } from '../../../packages/testkit/src/cli-process.ts'
import { startServerProcess } from '../../../packages/testkit/src/server-process.ts'
import { createPublisher } from '../publisher.ts'
import { createStories } from '../stories.ts'
import { orSkip } from '../attempt.ts'
import { buildApp, createSigner } from './tools.ts'

/** The updater of cargo-packager, which reads what Tauri's reads, as it is published, against this checkout's server. */
const cache = join(tmpdir(), 'hotpatch-real-clients', 'cargo-packager')
await mkdir(cache, { recursive: true })
const { app, signer } = await orSkip(
  prepare(),
  'This takes cargo, a C compiler, and the crates and packages of their registries.',
)
const folder = await mkdtemp(join(cache, 'run-'))
const server = await startServerProcess({
  directory: join(folder, 'data'),
  env: { HOTPATCH_LOG_LEVEL: 'error', HOTPATCH_DEVICE_REQUESTS_PER_MINUTE: '0' },
})
const { api, hotpatch } = await createPublisher(server, folder)
const { play, end } = createStories(process.argv[2])

const SLUG = 'own'
const project = join(folder, 'project')
const key = await signer.newKey(join(folder, 'own.key'))
const pubkey = await readFile(`${key}.pub`, 'utf8')
const images = new Map<string, Buffer>()

async function prepare() {
  return { app: await buildApp(cache), signer: await createSigner(cache) }
}

/** As an app is built, with a name of its own for each version. */
async function build(version: string, { key: own = key, signed = version }: { key?: string; signed?: string } = {}) {
  const name = `Demo_${version}_amd64.AppImage`
  const bytes = appImage(Buffer.concat([Buffer.from(version), noise(300_000)]))
  images.set(version, bytes)
  await writeFile(join(project, name), bytes)
  await signer.sign(own, join(project, name), signed)
  return name
}

async function publish(version: string, ...more: string[]): Promise<PublishedRelease> {
  const name = await build(version)
  return hotpatch(
    'binary',
    'publish',
    name,
    '--app',
    SLUG,
    '--version',
    version,
    '--architecture',
    'x86_64',
    '--no-sign',
    ...more,
  )
}

/** An app that is installed: a file that the updater puts another one in the place of. */
async function install(version: string, device?: string, address?: string) {
  const path = join(await mkdtemp(join(folder, 'installed-')), 'Demo.AppImage')
  const bytes = images.get(version) ?? appImage(Buffer.from(version))
  await writeFile(path, bytes)
  const endpoint = address ?? `${server.url}/tauri/${SLUG}/production/{{target}}/{{arch}}/{{current_version}}`
  return {
    async update(trusted = pubkey): Promise<string> {
      const args = [endpoint, trusted, version, path, ...(device === undefined ? [] : [device])]
      // It moves the file by way of a folder for temporary files, which has to be on the same disk.
      const env = { ...process.env, TMPDIR: folder }
      return (await promisify(execFile)(app, args, { env })).stdout.trim()
    },
    async runs(): Promise<string | undefined> {
      const found = await readFile(path)
      return [...images].find(([, image]) => image.equals(found))?.[0] ?? (found.equals(bytes) ? version : undefined)
    },
  }
}

await api.createApp({ slug: SLUG, checkAccess: 'open', platforms: ['linux'] })
await hotpatch('keys', 'add', '--minisign', `${key}.pub`, '--app', SLUG)

await play('what is published with its .sig is found, downloaded, verified and installed', async () => {
  const before = await install('1.0.0')
  assert.equal(await before.update(), 'nothing')
  const published = await publish('1.1.0', '--notes', 'Faster')
  const { signatures } = await api.getRelease(published.releaseId)
  const written = await readFile(join(project, 'Demo_1.1.0_amd64.AppImage.sig'), 'utf8')
  assert.deepEqual([signatures?.[0]?.scheme, signatures?.[0]?.value], ['minisign', written.trim()])
  assert.equal(await before.update(), 'installed 1.1.0')
  assert.equal(await before.runs(), '1.1.0')
  assert.equal(await (await install('1.1.0')).update(), 'nothing')
})

await play('what was signed for another version, or by another key, never gets to the server', async () => {
  const count = async () => (await api.listReleases(SLUG)).items.length
  const there = await count()
  const line = ['--app', SLUG, '--version', '1.1.5', '--architecture', 'x86_64', '--no-sign']
  const lying = await build('1.1.5', { signed: '1.0.0' })
  await assert.rejects(
    hotpatch('binary', 'publish', lying, ...line),
    /for version 1\.1\.5, found one for version 1\.0\.0/,
  )
  const strange = await build('1.1.5', { key: await signer.newKey(join(folder, 'other.key')) })
  await assert.rejects(hotpatch('binary', 'publish', strange, ...line), /does not know the minisign key/)
  assert.equal(await count(), there)
})

await play('bytes that were changed on the way are refused, and so is another key in the app', async () => {
  const { content } = await publish('1.2.0')
  assert.ok(content.kind === 'binary')
  const sha256 = content.files[0]?.sha256 ?? ''
  const stored = join(server.directory, 'artifacts', sha256.slice(0, 2), sha256)
  const good = await readFile(stored)
  const bad = Buffer.from(good)
  bad[150_000] = (bad[150_000] ?? 0) ^ 1
  const device = await install('1.1.0')
  await writeFile(stored, bad)
  assert.match(await device.update(), /^error: .*[Ss]ignature/)
  assert.equal(await device.runs(), '1.1.0')
  await writeFile(stored, good)
  const other = await readFile(`${await signer.newKey(join(folder, 'other.key'))}.pub`, 'utf8')
  assert.match(await device.update(other), /^error: /)
  assert.equal(await device.runs(), '1.1.0')
  assert.equal(await device.update(), 'installed 1.2.0')
})

await play('after a roll-back who has the new one keeps it, and others get the one before', async () => {
  const done = await api.rollBack(SLUG, { platform: 'linux', channel: 'production', to: { version: '1.1.0' } })
  assert.equal(done.version, '1.1.0')
  const newer = await install('1.2.0')
  assert.equal(await newer.update(), 'nothing')
  assert.equal(await newer.runs(), '1.2.0')
  const older = await install('1.0.0')
  assert.equal(await older.update(), 'installed 1.1.0')
  assert.equal(await older.runs(), '1.1.0')
  // Out of it leads a higher version.
  await publish('1.2.1')
  assert.equal(await newer.update(), 'installed 1.2.1')
})

await play('a rollout for a part is for devices that say who they are', async () => {
  const { rolloutId } = await publish('1.3.0', '--rollout', '50')
  const answers: string[] = []
  for (let device = 0; device < 20; device += 1)
    answers.push(await (await install('1.2.1', `device-${device}`)).update())
  assert.deepEqual([...new Set(answers)].toSorted(), ['installed 1.3.0', 'nothing'])
  assert.equal(await (await install('1.2.1')).update(), 'nothing')
  await hotpatch<Rollout>('binary', 'deactivate', rolloutId)
  const first = answers.indexOf('installed 1.3.0')
  assert.equal(await (await install('1.2.1', `device-${first}`)).update(), 'nothing')
})

await play(
  'the guide for Tauri apps, word for word: from a static file, and from an address of their own',
  async () => {
    const text = await readFile(new URL('../../../docs/guides/moving-from-tauri-releases.md', import.meta.url), 'utf8')
    const lines = [...text.matchAll(/^```sh\n(.*?)^```/gms)].flatMap(([, code = '']) => code.trim().split('\n'))
    // What the stories before have built is no build of this app.
    for (const name of await readdir(project)) if (name.startsWith('Demo_')) await rm(join(project, name))
    const bundle = join(project, 'src-tauri/target/release/bundle/appimage')
    await mkdir(bundle, { recursive: true })
    const versions = ['3.0.0', '3.1.0', '3.2.0']
    const buildNext = async () => {
      const version = versions.shift() ?? ''
      const config = { version, plugins: { updater: { pubkey } } }
      await writeFile(join(project, 'src-tauri/tauri.conf.json'), JSON.stringify(config))
      const name = await build(version)
      for (const ending of ['', '.sig'])
        await rename(join(project, `${name}${ending}`), join(bundle, `${name}${ending}`))
      return join(bundle, name)
    }
    // As it always asked: a file that is the same for everyone, then an address of their own that leads here.
    let announced = { version: '', path: '' }
    let leadsOn = false
    const old = createServer((request, response) => void answer(request.url ?? '', response))
    const answer = async (url: string, response: ServerResponse) => {
      if (leadsOn) {
        const location = `${server.url}/tauri/demo/production/${url.replace('/update/', '')}`
        return void response.writeHead(302, { location }).end()
      }
      if (url.endsWith('.AppImage')) return void response.end(await readFile(announced.path))
      const signature = await readFile(`${announced.path}.sig`, 'utf8')
      const entry = { url: `${oldUrl}/Demo.AppImage`, signature, format: 'appimage' }
      response.end(JSON.stringify({ version: announced.version, platforms: { 'linux-x86_64': entry } }))
    }
    await new Promise<void>((resolve) => old.listen(0, '127.0.0.1', resolve))
    const oldUrl = `http://127.0.0.1:${(old.address() as AddressInfo).port}`
    try {
      const first = await buildNext()
      announced = { version: '3.0.0', path: first }
      const user = await install('3.0.0', undefined, `${oldUrl}/latest.json`)
      const owner = await install('3.0.0', undefined, `${oldUrl}/update/{{target}}/{{arch}}/{{current_version}}`)
      for (const line of lines) {
        if (line === 'npx tauri build') {
          const path = await buildNext()
          if (announced.version === '3.0.0') announced = { version: '3.1.0', path }
          continue
        }
        const isLogin = line.startsWith('hotpatch login')
        const words = line.match(/"[^"]*"|\S+/g)?.map((word) => word.replaceAll('"', '')) ?? []
        const args = words.slice(1).map((word) => word.replace('https://updates.example.com', server.url))
        const { code, stderr } = await runCliProcess(isLogin ? [...args, '--token-stdin'] : args, {
          cwd: project,
          env: { HOME: join(project, 'home') },
          ...(isLogin && { input: server.ownerToken }),
        })
        assert.equal(code, 0, `${line}: ${stderr}`)
      }
      assert.equal(await user.update(), 'installed 3.1.0')
      assert.equal(await user.runs(), '3.1.0')
      const here = `${server.url}/tauri/demo/production/{{target}}/{{arch}}/{{current_version}}`
      const moved = await install('3.1.0', undefined, here)
      assert.equal(await moved.update(), 'installed 3.2.0')
      leadsOn = true
      assert.equal(await owner.update(), 'installed 3.2.0')
      assert.equal(await owner.runs(), '3.2.0')
    } finally {
      old.close()
    }
  },
)

await server.stop()
await rm(folder, { recursive: true })
end('cargo-packager-updater 0.2.3')
