import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { App, Explanation, Patch, PublishedArchive } from '@hotpatch/api'
import { createNodeEngine } from '@hotpatch/client/node'
import { makeTemporaryDirectory, runCliProcess, startServerProcess, type ServerProcess } from '@hotpatch/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readTree } from './react-native-app.ts'

const SECRET = 'known to nobody who serves it'

function filesOf(version: string): Record<string, string> {
  const code = Array.from({ length: 3_000 }, (_, line) => `__d(function(){return ${(line * 7919) % 10_007}},${line});`)
  code.splice(1_500, 0, `show(${JSON.stringify(`${SECRET} ${version}`)});`)
  return { 'index.android.bundle': code.join('\n'), 'raw/only.txt': version }
}

/**
 * The tool encrypts what it publishes, a server process has only that, and engines on real folders open it, or refuse. The
 * tests of variants and patches have both databases.
 */
describe('encrypted releases from desk to device', () => {
  let server: ServerProcess
  let directory: string
  let app: App
  let publicKey: string
  const keys = new Map<string, string>()
  const publicKeys = new Map<string, string>()
  const said: string[] = []
  const folderOf = (version: string) => join(directory, `built-${version}`)

  beforeAll(async () => {
    directory = await makeTemporaryDirectory()
    server = await startServerProcess({ directory: join(directory, 'data'), env: { HOTPATCH_LOG_LEVEL: 'info' } })
    app = await hotpatch<App>('apps', 'create', 'secret', '--device-ids', 'as-given', '--yes')
    await hotpatch('keys', 'generate', '--yes')
    publicKey = (await hotpatch<{ publicKey: string }>('keys', 'show')).publicKey
    for (const key of ['first', 'next']) {
      const made = await hotpatch<{ publicKey: string }>('encryption-keys', 'generate', '--key', `${key}.pem`, '--yes')
      publicKeys.set(key, made.publicKey)
      keys.set(key, (await run('encryption-keys', 'private', '--key', `${key}.pem`)).stdout.trim())
    }
    for (const version of ['1.0.0', '1.1.0', '1.2.0']) await build(version)
  })
  afterAll(async () => {
    await server.stop()
    await rm(directory, { recursive: true, force: true })
  })

  async function run(...args: string[]) {
    const env = { HOME: directory, HOTPATCH_URL: server.url, HOTPATCH_TOKEN: server.ownerToken }
    const { code, stdout, stderr } = await runCliProcess(args, { cwd: directory, env })
    if (args[1] !== 'private') said.push(stdout, stderr)
    if (code !== 0) throw new Error(`hotpatch ${args.join(' ')} ended with ${code}:\n${stderr}`)
    return { stdout, stderr }
  }

  async function hotpatch<Answer>(...args: string[]): Promise<Answer> {
    return JSON.parse((await run(...args, '--json')).stdout) as Answer
  }

  async function build(version: string): Promise<void> {
    for (const [path, content] of Object.entries(filesOf(version))) {
      await mkdir(join(folderOf(version), path, '..'), { recursive: true })
      await writeFile(join(folderOf(version), path), content)
    }
  }

  const project = (...names: string[]) =>
    writeFile(
      join(directory, 'hotpatch.json'),
      JSON.stringify({
        app: 'secret',
        platforms: ['android'],
        encryptFor: names.map((each) => publicKeys.get(each)),
      }),
    )

  const release = (version: string, ...more: string[]) =>
    hotpatch<PublishedArchive>('release', '--version', version, '--bundle-dir', folderOf(version), ...more, '--yes')

  function createPhone(deviceId: string, decryptionKeys: readonly string[], channel = 'production') {
    const start = async () => {
      const engine = createNodeEngine({
        directory: join(directory, 'phones', deviceId),
        host: { platform: 'android', nativeVersion: '1.0' },
        serverUrl: server.url,
        appKey: app.appKey,
        appId: app.id,
        deviceId,
        channel,
        publicKeys: [publicKey],
        decryptionKeys,
        allowInsecure: 'loopback',
      })
      return { engine, launched: await engine.start() }
    }
    const update = async () => {
      const { engine } = await start()
      const outcome = await engine.sync()
      await engine.flushReports()
      return outcome
    }
    async function expectRuns(version: string): Promise<void> {
      const { engine, launched } = await start()
      if (launched.kind !== 'release') throw new Error(`${deviceId} runs what it shipped with, not ${version}`)
      const tree = await readTree(launched.directory)
      tree.delete('.hotpatch.json')
      expect(tree).toEqual(await readTree(folderOf(version)))
      expect(await engine.confirm()).toBe(true)
      await engine.flushReports()
    }
    return { start, update, expectRuns }
  }

  const why = async (deviceId: string) => (await hotpatch<Explanation>('why', deviceId, '--app', 'secret')).decision

  test('is applied by who has the key, and refused by a wrong one and by none, who are told why', async () => {
    await project('first')
    const published = await release('1.0.0')
    expect(published.content.encryption).toMatchObject({ algorithm: 'hotpatch-v1' })
    const phone = createPhone('right', [keys.get('first') ?? ''])
    expect(await phone.update()).toMatchObject({ kind: 'staged', version: '1.0.0' })
    await phone.expectRuns('1.0.0')

    for (const [deviceId, own, reason] of [
      ['wrong', [keys.get('next') ?? ''], 'decryption-key-not-held'],
      ['none', [], 'encryption-not-taken'],
    ] as const) {
      const other = createPhone(deviceId, own)
      expect(await other.update()).toMatchObject({ kind: 'up-to-date', reason })
      expect((await other.start()).launched.kind).toBe('embedded')
      expect(await why(deviceId)).toMatchObject({ kind: 'up-to-date', reason })
    }
  })

  test('lies nowhere on the server but encrypted, and no key is anywhere', async () => {
    const everything = await contentsOf(join(directory, 'data'))
    expect(everything.length).toBeGreaterThan(0)
    const secrets = [...keys.values()].flatMap((key) => [key, Buffer.from(key, 'base64').toString('hex')])
    for (const secret of [SECRET, ...secrets]) {
      expect(everything.filter((bytes) => bytes.includes(secret))).toEqual([])
    }
    const told = [...said, server.output()].join('\n')
    for (const secret of secrets) expect(told.includes(secret)).toBe(false)
  })

  test('is for both keys while they are replaced, and then for the next one alone', async () => {
    await project('first', 'next')
    await release('1.1.0')
    const old = createPhone('right', [keys.get('first') ?? ''])
    const fresh = createPhone('fresh', [keys.get('next') ?? ''])
    for (const phone of [old, fresh]) {
      expect(await phone.update()).toMatchObject({ kind: 'staged', version: '1.1.0' })
      await phone.expectRuns('1.1.0')
    }
    await project('next')
    await release('1.2.0')
    expect(await old.update()).toMatchObject({ kind: 'up-to-date' })
    expect(await fresh.update()).toMatchObject({ kind: 'staged', version: '1.2.0' })
    await fresh.expectRuns('1.2.0')
    await old.expectRuns('1.1.0')
  })

  test('comes as a patch that was made where the key is, in few bytes', async () => {
    await project('first')
    const keyed = (channel: string) => createPhone(`patched-${channel}`, [keys.get('first') ?? ''], channel)
    const onBeta = ['--channel', 'beta']
    await build('2.0.0')
    await build('2.1.0')
    await release('2.0.0', ...onBeta)
    const phone = keyed('beta')
    expect(await phone.update()).toMatchObject({ kind: 'staged', version: '2.0.0' })
    await phone.expectRuns('2.0.0')
    const { content } = await release('2.1.0', ...onBeta)
    const patch = await hotpatch<Patch>('patch', '--from', '2.0.0', '--to', '2.1.0', '--decryption-key', 'first.pem')
    expect(patch).toMatchObject({ state: 'made', isEncrypted: true, fullSizeBytes: content.sizeBytes })
    const { engine } = await phone.start()
    const received = new Map<number, number>()
    engine.subscribe((event) => {
      if (event.type === 'progress') received.set(event.sizeBytes, event.receivedBytes)
    })
    expect(await engine.sync()).toMatchObject({ kind: 'staged', version: '2.1.0' })
    expect([...received]).toEqual([[patch.sizeBytes, patch.sizeBytes]])
    expect(patch.sizeBytes).toBeLessThan(content.sizeBytes / 5)
    await phone.expectRuns('2.1.0')
  })

  test('is promoted and rolled back to as every release', async () => {
    await hotpatch('promote', '--version', '1.1.0', '--to', 'staging', '--platform', 'android', '--yes')
    const staging = createPhone('staging', [keys.get('next') ?? ''], 'staging')
    expect(await staging.update()).toMatchObject({ kind: 'staged', version: '1.1.0' })
    await staging.expectRuns('1.1.0')
    await hotpatch('rollback', '--version', '1.1.0', '--platform', 'android', '--yes')
    const fresh = createPhone('fresh', [keys.get('next') ?? ''])
    expect(await fresh.update()).toMatchObject({ kind: 'staged', version: '1.1.0' })
    await fresh.expectRuns('1.1.0')
  })
})

async function contentsOf(folder: string): Promise<Buffer[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return Promise.all(
    entries.filter((entry) => entry.isFile()).map((entry) => readFile(join(entry.parentPath, entry.name))),
  )
}
