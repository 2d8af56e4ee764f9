import { createHash } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import type { Guard, Page, PublishedRelease, Release, SigningKey } from '@hotpatch/api'
import { readReleaseStatement } from '@hotpatch/protocol'
import { describe, expect, test } from 'vitest'
import { useServer } from '../testing/server-suite.ts'

const server = useServer()
const release = 'release --bundle-dir dist --platform android --version'
const files = { 'dist/index.android.bundle': 'bundle', 'dist/assets/logo.png': 'png' }

describe('release', () => {
  test('publishes what the options say, signed', async () => {
    const { write, json, app } = await server.createPublisher()
    await write(files)
    const published = await json<PublishedRelease>(
      `${release} 1.2.0 --channel beta --mandatory --rollout 0.29 --min-native 2.1 --runtime-version r1 --floor 1 --yes`,
      '--native-range',
      '>=1 <4',
      '--notes',
      'New\nthings',
    )
    expect(published).toMatchObject({
      version: '1.2.0',
      platform: 'android',
      channel: 'beta',
      sequence: 1,
      fileCount: 2,
    })
    expect(published).toMatchObject({ percentage: 0.29, mandatory: true, keyRegistered: true })

    const bytes = Buffer.from(await (await fetch(published.downloadUrl)).arrayBuffer())
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(published.sha256)
    expect(bytes.length).toBe(published.sizeBytes)

    const stored = await json<Release>('releases', 'show', published.releaseId)
    const requirement = { minNativeVersion: '2.1', nativeRange: '>=1 <4', runtimeVersion: 'r1' }
    expect(stored).toMatchObject({ notes: 'New\nthings', floor: 1, requirement, signature: expect.any(String) })
    expect(readReleaseStatement(Buffer.from(stored.statement ?? '', 'base64').toString('utf8'))).toMatchObject({
      appId: app.id,
      sequence: 1,
      requirement,
      artifacts: [{ name: 'bundle.zip', sha256: published.sha256, sizeBytes: published.sizeBytes }],
    })
    expect((await json<Page<Release>>('releases list --channel beta')).items).toEqual([stored])
  })

  test('shows its plan, and changes nothing when that is all that was asked for', async () => {
    const { write, run, json } = await server.createPublisher()
    await write(files)
    const shown = await run(`${release} 1.0.0 --dry-run --json`)
    expect(JSON.parse(shown.stdout)).toMatchObject({
      dryRun: true,
      version: '1.0.0',
      fileCount: 2,
      keyRegistered: true,
    })
    expect(shown.stderr).toContain('This registers your key as the first signing key')
    expect((await json<Page<Release>>('releases list')).items).toEqual([])
    expect((await json<Page<SigningKey>>('keys list')).items).toEqual([])
  })

  test('signs the way back in advance, and the guard keeps it', async () => {
    const { write, json, run } = await server.createPublisher()
    await write(files)
    const first = await json<PublishedRelease>(`${release} 1.0.0 --guard roll-back --yes`)
    expect((await run(`${release} 1.1.0 --guard roll-back --dry-run`)).stderr).toContain(
      'back to 1.0.0, signed in advance',
    )
    const second = await json<PublishedRelease>(`${release} 1.1.0 --guard roll-back --guard-limit 2% --yes`)
    expect(second.sequence).toBe(2)
    expect(await json<Guard>('rollouts guard', second.rolloutId)).toMatchObject({
      settings: { action: 'roll-back', maxBadPercent: 2 },
      goesBackTo: { releaseId: first.releaseId, version: '1.0.0', isPrepared: true },
    })
    // The sequences in between are those of the way back: to 1.0.0, and from there to what the binary shipped with.
    expect(await json<PublishedRelease>(`${release} 1.2.0 --yes`)).toMatchObject({ sequence: 5 })
  })

  test('asks before it publishes', async () => {
    const { write, run, json } = await server.createPublisher()
    await write(files)
    const refused = await run(`${release} 1.0.0`, { isTTY: true, input: 'n' })
    expect(refused).toMatchObject({ exitCode: 1, stdout: '', stderr: expect.stringContaining('Plan') })
    expect((await json<Page<Release>>('releases list')).items).toEqual([])
    expect(await run(`${release} 1.0.0`, { isTTY: true, input: 'y' })).toMatchObject({ exitCode: 0 })
    expect((await json<Page<Release>>('releases list')).items).toHaveLength(1)
  })

  test('runs the bundler, and stops when it fails', async () => {
    const { installProgram, run, json } = await server.createPublisher()
    const command = ['release', '--platform', 'ios', '--version', '1.0.0', '--yes', '--json']
    await installProgram('npx', 'process.exitCode = 1')
    const failed = await run(command)
    expect(failed).toMatchObject({ exitCode: 1, stdout: '' })
    expect(failed.stderr).toContain('"bundler-failed"')
    expect((await json<Page<Release>>('releases list')).items).toEqual([])

    const writeBundle =
      "require('node:fs').writeFileSync(process.argv[process.argv.indexOf('--bundle-output') + 1], 'x')"
    await installProgram('npx', `console.log('bundling'); ${writeBundle}`)
    const { exitCode, stdout, stderr } = await run(command)
    expect(exitCode).toBe(0)
    expect(stderr).toMatch(/^bundling$/m)
    expect(JSON.parse(stdout)).toMatchObject({ platform: 'ios', fileCount: 1 })
  })

  test('of the same version again fails, and of the same files has the same bytes', async () => {
    const { write, run, json } = await server.createPublisher()
    await write(files)
    const first = await json<PublishedRelease>(`${release} 1.0.0 --yes`)
    const again = await run(`${release} 1.0.0 --yes --json`)
    expect(again).toMatchObject({ exitCode: 1, stdout: '' })
    expect(JSON.parse(again.stderr.trim().split('\n').at(-1) ?? '')).toMatchObject({
      error: { type: 'release-exists', status: 409 },
    })
    const second = await json<PublishedRelease>(`${release} 1.0.1 --yes`)
    expect([second.sha256, second.sequence]).toEqual([first.sha256, 2])
  })

  test('leaves nothing behind in the temporary folder', async () => {
    const { write, run, json, env } = await server.createPublisher()
    await write(files)
    await json(`${release} 1.0.0 --yes`)
    await run(`${release} 1.0.0 --yes`)
    expect(await readdir(env.TMPDIR)).toEqual([])
  })

  test.each([
    ['a folder that is not there', ['--bundle-dir', 'nowhere'], 1, 'Expected a folder with a bundle'],
    ['an empty folder', ['--bundle-dir', 'empty'], 1, 'found no files'],
    ['a platform that the app has not', ['--platform', 'web'], 1, 'The app has no such platform'],
    ['a key that is not there', ['--key', 'none.pem'], 1, 'There is no signing key at'],
    ['a key that is none', ['--key', 'dist/index.android.bundle'], 1, 'expected an Ed25519 private key'],
    ['a key and no signature', ['--key', 'none.pem', '--no-sign'], 2, 'Give --key or --no-sign, not both'],
    ['a floor without a signature', ['--no-sign', '--floor', '3'], 2, '--floor is part of what is signed'],
    ['an app that is not there', ['--app', 'nobodys'], 1, 'The server has no app "nobodys"'],
  ])('refuses %s', async (_, options, expectedCode, message) => {
    const { write, run } = await server.createPublisher()
    await write(files)
    await write({ 'empty/.DS_Store': '' })
    const { exitCode, stdout, stderr } = await run([...`${release} 1.0.0 --yes`.split(' '), ...options])
    expect(stderr).toContain(message)
    expect([exitCode, stdout]).toEqual([expectedCode, ''])
  })
})

describe('signing', () => {
  test('is left out where there is no key, and the plan says so', async () => {
    const { write, run, json } = await server.createPublisher({ key: false })
    await write(files)
    const { exitCode, stderr } = await run(`${release} 1.0.0 --yes`)
    expect([exitCode, stderr]).toEqual([0, expect.stringMatching(/Signed\s+no: there is no key at .*signing_key.pem/)])
    const { items } = await json<Page<Release>>('releases list')
    expect(items).toMatchObject([{ signature: null, statement: null }])
  })

  test('is not optional any more after the first signed release', async () => {
    const { write, run, json } = await server.createPublisher()
    await write(files)
    await json(`${release} 1.0.0 --yes`)
    const unsigned = await run(`${release} 1.0.1 --yes --no-sign`)
    expect(unsigned).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('takes signed releases only') })

    await json('keys generate --key other.pem')
    const other = await run(`${release} 1.0.1 --yes --key other.pem`)
    expect(other).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('has signing keys, but not this one') })

    await json('keys add --key other.pem --yes')
    await json(`${release} 1.0.1 --yes --key other.pem`)
  })

  test('by a key that was revoked is refused', async () => {
    const { write, run, json } = await server.createPublisher()
    await write(files)
    await json(`${release} 1.0.0 --yes`)
    const [key] = (await json<Page<SigningKey>>('keys list')).items
    await json('keys', 'revoke', key?.id ?? '', '--yes')
    expect(await run(`${release} 1.0.1 --yes`)).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('has signing keys, but not this one'),
    })
  })

  test('survives that others publish at the same moment', async () => {
    const { write, json } = await server.createPublisher()
    await write(files)
    await json(`${release} 1.0.0 --yes`)
    const published = await Promise.all([
      json<PublishedRelease>(`${release} 1.0.1 --yes`),
      json<PublishedRelease>(`${release} 1.0.2 --yes`),
    ])
    expect(new Set(published.map(({ sequence }) => sequence))).toEqual(new Set([2, 3]))
  })
})

test('a reader cannot publish, and hears so before the bundler runs', async () => {
  const { run, env, installProgram } = await server.createPublisher()
  const asReader = { env: { ...env, HOTPATCH_TOKEN: await server.createToken('reader') } }
  await installProgram('npx', 'console.log("bundling")')
  const { exitCode, stderr } = await run('release --platform ios --version 1.0.0 --yes', asReader)
  expect(stderr).not.toContain('bundling')
  expect([exitCode, stderr]).toEqual([1, expect.stringContaining('This token may not do that')])
})
