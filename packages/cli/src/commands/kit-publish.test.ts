import { createHash } from 'node:crypto'
import { chmod, lstat, mkdir, readFile, readdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { PublishedRelease, Release, Rollout } from '@hotpatch/api'
import { readKitManifest, type KitManifest } from '@hotpatch/protocol'
import { describe, expect, test } from 'vitest'
import type { Tool } from '../testing/run-tool.ts'
import { useServer } from '../testing/server-suite.ts'

const server = useServer()

const DESCRIPTION = {
  release_id: '2026.06.02',
  channel: 'stable',
  severity: 'security',
  notes: 'Faster.',
  min_installer_version: '1.4',
  expected_downtime_seconds: 30,
  probe: { type: 'http', path: '/healthz' },
  components: {
    web: { kind: 'files', version: '2.0.0', from: 'dist' },
    gateway: {
      kind: 'binary',
      version: '1.4.0',
      files: [
        { platform: 'linux', architecture: 'x86_64', from: 'build/gateway-x64' },
        { platform: 'linux', architecture: 'arm64', from: 'build/gateway-arm64' },
      ],
      probe: { type: 'service' },
    },
    accounts: { kind: 'repair', version: '1', repairs: [{ target: 'settings', set: { BASE_URL: '${ORIGIN}/api' } }] },
  },
}

const FILES = {
  'dist/index.html': '<!doctype html>',
  'dist/assets/index.js': 'x',
  'build/gateway-x64': 'gateway for x64',
  'build/gateway-arm64': 'gateway for arm64',
}

async function createPublisher(description: object = DESCRIPTION) {
  const publisher = await server.createPublisher({ platforms: ['linux', 'macos'] })
  await publisher.json('channels create stable', '--app', publisher.app.slug, '--yes')
  await publisher.write({ ...FILES, 'kit.release.json': JSON.stringify(description) })
  return publisher
}

async function manifestOf(tool: Pick<Tool, 'json'>, releaseId: string): Promise<KitManifest> {
  const release = await tool.json<Release>('releases show', releaseId)
  return readKitManifest(Buffer.from(release.statement ?? '', 'base64').toString())
}

const VECTORS = new URL('../../../../vectors/minisign-secret-keys.json', import.meta.url)

async function offered(slug: string, appKey: string, file = 'latest.json', channel = 'stable') {
  const address = `${server.url()}/apps/${slug}/personal-kit/${channel}/${file}`
  const response = await fetch(address, { headers: { 'x-app-key': appKey } })
  return { status: response.status, text: await response.text() }
}

const next = (version: string, changes: object = {}) => ({
  ...DESCRIPTION,
  release_id: version,
  ...changes,
  components: { ...DESCRIPTION.components, web: { ...DESCRIPTION.components.web, version } },
})

describe('kit publish', () => {
  test('packs, signs and publishes what is described', async () => {
    const publisher = await createPublisher()
    const published = await publisher.json<PublishedRelease>('kit publish', '--yes')
    expect(published).toMatchObject({ version: '2026.06.02', platform: 'any', channel: 'stable', percentage: 100 })
    expect(published.content).toMatchObject({ kind: 'kit', severity: 'security' })
    const manifest = await manifestOf(publisher, published.releaseId)
    expect(manifest).toMatchObject({
      appId: publisher.app.id,
      releaseId: '2026.06.02',
      channel: 'stable',
      sequence: 1,
      minInstallerVersion: '1.4',
      notes: 'Faster.',
      probe: { type: 'http', path: '/healthz' },
    })
    expect(manifest.components.map(({ id, order }) => [id, order])).toEqual([
      ['web', 100],
      ['accounts', 250],
      ['gateway', 300],
    ])
    for (const { files } of manifest.components) {
      for (const { sha256, sizeBytes } of files) {
        const served = await fetch(`${server.url()}/artifacts/${sha256}`)
        expect((await served.arrayBuffer()).byteLength).toBe(sizeBytes)
      }
    }
  })

  test('shows a plan first, and with --dry-run nothing else', async () => {
    const publisher = await createPublisher()
    const { exitCode, stderr } = await publisher.run('kit publish --dry-run')
    expect(exitCode).toBe(0)
    expect(stderr).toMatch(/Kit +3 components, security, about 30 s of downtime/)
    expect(stderr).toMatch(/100\. web 2\.0\.0, files, .* for all machines of .*dist/)
    expect(stderr).toContain('Nothing was published.')
    const shown = await publisher.json<{ content: object; signs: { artifacts: unknown[] }[] }>('kit publish --dry-run')
    expect(shown.content).toMatchObject({ kind: 'kit', release_id: '2026.06.02' })
    expect(shown.signs[0]?.artifacts).toHaveLength(3)
    expect(await publisher.json('releases list')).toMatchObject({ items: [] })
  })

  test('the same again is the same release, and other bytes under its id are refused', async () => {
    const publisher = await createPublisher()
    const first = await publisher.json<PublishedRelease>('kit publish --yes')
    const again = await publisher.json<PublishedRelease>('kit publish --yes')
    expect(again.releaseId).toBe(first.releaseId)
    await publisher.write({ 'dist/index.html': 'another' })
    const { exitCode, stderr } = await publisher.run('kit publish --yes')
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining('2026.06.02')])
  })

  test('what options say stands before what the file says, which may be TOML', async () => {
    const publisher = await createPublisher()
    const toml = [
      'release_id = "2026.07.01"',
      '[components.web]',
      'kind = "files"',
      'version = "2.0.0"',
      'from = "dist"',
    ].join('\n')
    await publisher.write({ 'other.toml': toml })
    const options = ['--release-id', '2026.07.02', '--severity', 'breaking', '--rollout', '20', '--notes', 'New.']
    const published = await publisher.json<PublishedRelease>('kit publish other.toml --yes', ...options)
    expect(published).toMatchObject({ version: '2026.07.02', channel: 'stable', percentage: 20 })
    const manifest = await manifestOf(publisher, published.releaseId)
    expect(manifest).toMatchObject({ releaseId: '2026.07.02', severity: 'breaking', notes: 'New.', channel: 'stable' })
  })

  test.each<[string, object, RegExp]>([
    ['a field that is misspelt', { sevrity: 'security' }, /sevrity: expected severity/],
    ['no components', { components: {} }, /\/components: expected 1 to 50/],
    [
      'a kind that is not known',
      { components: { web: { kind: 'zip', version: '1', from: 'dist' } } },
      /one of files, binary/,
    ],
    [
      'a file that is not there',
      { components: { web: { kind: 'files', version: '1', from: 'nowhere' } } },
      /nowhere: nothing/,
    ],
    ['a folder as a binary', { components: { web: { kind: 'binary', version: '1', from: 'dist' } } }, /one file/],
    ['no version', { components: { web: { kind: 'files', from: 'dist' } } }, /web\/version/],
    ['an id that no release may have', { release_id: 'alpha' }, /\/release_id/],
    ['a secret', { components: { env: { kind: 'template', version: '1', from: '.env' } } }, /secret/],
  ])('refuses %s, and publishes nothing', async (_, changes, message) => {
    const publisher = await createPublisher({ ...DESCRIPTION, ...changes })
    await publisher.write({ '.env': 'SECRET_KEY=abc' })
    const { exitCode, stderr } = await publisher.run('kit publish --yes')
    expect(exitCode).toBe(1)
    expect(stderr).toMatch(message)
    expect(await publisher.json('releases list')).toMatchObject({ items: [] })
  })

  test('refuses to publish unsigned', async () => {
    const publisher = await createPublisher()
    const { exitCode, stderr } = await publisher.run('kit publish --yes --no-sign')
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining('A kit is always signed')])
  })
})

describe('a kit that is stated again', () => {
  test('is promoted, and rolled back, under a higher sequence', async () => {
    const publisher = await createPublisher()
    const { slug, appKey } = publisher.app
    await publisher.json('kit publish --yes')
    await publisher.write({ 'kit.release.json': JSON.stringify(next('2026.06.03')) })
    await publisher.json('kit publish --yes')
    const newest = readKitManifest((await offered(slug, appKey)).text)
    expect(newest).toMatchObject({ releaseId: '2026.06.03', sequence: 2 })

    await publisher.json('promote --version 2026.06.02 --platform any --from stable --to beta --yes')
    const promoted = readKitManifest((await offered(slug, appKey, 'latest.json', 'beta')).text)
    expect(promoted).toMatchObject({ releaseId: '2026.06.02', sequence: 3, channel: 'beta' })

    // Its own statement is the newest of all, and for another channel all the same.
    await publisher.write({ 'kit.release.json': JSON.stringify(next('2026.06.04')) })
    await publisher.json('kit publish --yes')
    await publisher.json('promote --version 2026.06.04 --platform any --from stable --to beta --yes')
    const again = readKitManifest((await offered(slug, appKey, 'latest.json', 'beta')).text)
    expect(again).toMatchObject({ releaseId: '2026.06.04', channel: 'beta' })

    await publisher.json('rollback --channel stable --platform any --version 2026.06.02 --yes')
    const back = readKitManifest((await offered(slug, appKey)).text)
    expect(back).toMatchObject({ releaseId: '2026.06.02', channel: 'stable' })
    expect(back.sequence).toBeGreaterThan(3)
    expect(back.components).toEqual(promoted.components)
    const { items } = await publisher.json<{ items: Rollout[] }>('rollouts list --channel stable')
    expect(items.map(({ version }) => version)).toEqual(['2026.06.02', '2026.06.04', '2026.06.03', '2026.06.02'])
  })
})

describe('kit bundle', () => {
  const digestOf = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

  test('has what a machine without a network needs', async () => {
    const publisher = await createPublisher()
    const { slug, appKey } = publisher.app
    await publisher.json('kit publish --yes')
    const out = join(publisher.cwd, 'stick')
    const written = await publisher.json('kit bundle --channel stable --out stick')
    expect(written).toMatchObject({ releaseId: '2026.06.02', artifacts: 3, kept: 0 })
    const text = await readFile(join(out, 'latest.json'), 'utf8')
    expect(text).toBe((await offered(slug, appKey)).text)
    const signed = await offered(slug, appKey, 'latest.json.sig')
    expect(JSON.parse(await readFile(join(out, 'latest.json.sig'), 'utf8'))).toEqual({
      signatures: [{ ...JSON.parse(signed.text).signatures[0], keyId: expect.stringMatching(/^[0-9a-f]{16}$/) }],
    })
    const names = await readdir(join(out, 'artifacts'))
    for (const name of names) expect(digestOf(await readFile(join(out, 'artifacts', name)))).toBe(name)
    await writeFile(join(out, 'artifacts', names[0] ?? ''), 'damaged')
    expect(await publisher.json('kit bundle --release-id 2026.06.02 --out stick')).toMatchObject({ kept: 2 })
    expect(digestOf(await readFile(join(out, 'artifacts', names[0] ?? '')))).toBe(names[0])
  })

  test('may be for one machine, or the manifest alone', async () => {
    const publisher = await createPublisher()
    await publisher.json('kit publish --yes')
    const machine = ['--platform', 'linux', '--architecture', 'arm64']
    expect(await publisher.json('kit bundle --channel stable --out a', ...machine)).toMatchObject({ artifacts: 2 })
    expect(await publisher.json('kit bundle --channel stable --out b --manifest-only')).toMatchObject({ artifacts: 0 })
    expect((await readdir(join(publisher.cwd, 'b'))).toSorted()).toEqual(['latest.json', 'latest.json.sig'])
    const { exitCode, stderr } = await publisher.run('kit bundle --channel stable --out c --platform windows')
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining('gateway: expected a file for windows')])
    const none = await publisher.run('kit bundle --channel beta --out d')
    expect([none.exitCode, none.stderr]).toEqual([1, expect.stringContaining('There is no kit')])
  })

  test('brings programs of a folder to a machine as programs, with one digest whoever packs them', async () => {
    const description = { ...DESCRIPTION, components: { web: DESCRIPTION.components.web }, probe: undefined }
    const { min_installer_version: _, ...forAnyInstaller } = description
    const digests: (string | undefined)[] = []
    for (const [program, text] of [
      [0o755, 0o644],
      [0o700, 0o600],
    ] as const) {
      const publisher = await createPublisher(forAnyInstaller)
      await publisher.write({ 'dist/bin/start': '#!/bin/sh' })
      await chmod(join(publisher.cwd, 'dist/bin/start'), program)
      await chmod(join(publisher.cwd, 'dist/index.html'), text)
      const { releaseId } = await publisher.json<PublishedRelease>('kit publish --yes')
      digests.push((await manifestOf(publisher, releaseId)).components[0]?.files[0]?.sha256)
      await publisher.json('kit bundle --channel stable --out stick')
      const { publicKey } = await publisher.json<{ publicKey: string }>('keys show')
      const root = join(publisher.home, 'installed')
      await mkdir(root)
      const hook = { run: [process.execPath, '-e', ''] }
      const document = { publicKeys: [publicKey], components: { web: { path: 'web', probe: { hook } } } }
      await writeFile(join(root, 'kit.json'), JSON.stringify(document))
      const applied = await publisher.run(`kit apply --root ${root} --bundle ${join(publisher.cwd, 'stick')} --yes`)
      expect([applied.exitCode, applied.stderr]).toEqual([0, expect.any(String)])
      const isExecutable = async (name: string) => ((await lstat(join(root, 'web', name))).mode & 0o100) !== 0
      expect(await Promise.all(['bin/start', 'index.html'].map(isExecutable))).toEqual([true, false])
    }
    expect(digests[0]).toMatch(/^[0-9a-f]{64}$/)
    expect(digests[1]).toBe(digests[0])
  })

  test('is of nobody whose key is not trusted here', async () => {
    const publisher = await createPublisher()
    await publisher.json('kit publish --yes')
    const stranger = await server.createOwner()
    const { exitCode, stderr } = await stranger.run([
      'kit',
      'bundle',
      '--app',
      publisher.app.slug,
      '--channel',
      'stable',
      '--out',
      'x',
    ])
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining('trust key')])
  })
})

describe('--minisign-key', () => {
  test('signs what is served, also what was stated again', async () => {
    const publisher = await createPublisher()
    const { slug, appKey } = publisher.app
    const { keys } = JSON.parse(await readFile(VECTORS, 'utf8')) as { keys: { secretKey: string; publicKey: string }[] }
    const [{ secretKey, publicKey } = { secretKey: '', publicKey: '' }] = keys
    await publisher.write({ 'kit.key': secretKey, 'kit.pub': `untrusted comment: x\n${publicKey}\n` })
    const refused = await publisher.run('kit publish --yes --minisign-key kit.key')
    expect([refused.exitCode, refused.stderr]).toEqual([1, expect.stringContaining('keys add --minisign')])
    await publisher.json('keys add --minisign kit.pub --yes')
    // With a key that lies elsewhere: what that has signed is what is signed.
    await rename(join(publisher.home, '.rn-ota/signing_key.pem'), join(publisher.cwd, 'other.pem'))
    await publisher.json('kit publish --yes --minisign-key kit.key --key other.pem')
    await rename(join(publisher.cwd, 'other.pem'), join(publisher.home, '.rn-ota/signing_key.pem'))
    const { text } = await offered(slug, appKey, 'latest.json.minisig')
    expect(text).toMatch(/^untrusted comment: .*\n.*\ntrusted comment: .*version:2026\.06\.02\n/)
    await publisher.json('kit bundle --channel stable --out stick --manifest-only')
    expect(await readFile(join(publisher.cwd, 'stick/latest.json.minisig'), 'utf8')).toBe(text)

    await publisher.write({ 'kit.release.json': JSON.stringify(next('2026.06.03')) })
    await publisher.json('kit publish --yes')
    await publisher.json('rollback --channel stable --platform any --version 2026.06.02 --yes')
    expect((await offered(slug, appKey, 'latest.json.minisig')).status).toBe(404)
    await publisher.json('kit sign --channel stable --minisign-key kit.key --yes')
    expect((await offered(slug, appKey, 'latest.json.minisig')).status).toBe(200)

    // What is for some alone is no answer to nobody in particular: it is named, and signed by that.
    await publisher.write({ 'kit.release.json': JSON.stringify(next('2026.06.04')) })
    await publisher.json('kit publish --rollout 10 --yes')
    const some = '2026.06.04 (10 %, active). Such a kit is named by its release id: --release-id 2026.06.04'
    const told = await publisher.run('kit sign --channel stable --minisign-key kit.key --yes')
    expect([told.exitCode, told.stderr]).toEqual([0, expect.stringContaining(some)])
    await publisher.json('channels create early --yes')
    await publisher.write({ 'kit.release.json': JSON.stringify(next('2026.06.05', { channel: 'early' })) })
    await publisher.json('kit publish --rollout 10 --yes')
    const none = await publisher.run('kit sign --channel early --minisign-key kit.key --yes')
    expect([none.exitCode, none.stderr]).toEqual([1, expect.stringContaining('--release-id 2026.06.05')])
    const signed = await publisher.json('kit sign --release-id 2026.06.05 --minisign-key kit.key --yes')
    expect(signed).toMatchObject({ signatures: [{ scheme: 'minisign' }] })
  })
})
