import { createHash, randomBytes } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { join } from 'node:path'
import type { Guard, Page, PublishedArchive, Release, ReleaseFinding, SigningKey } from '@hotpatch/api'
import { readReleaseStatement } from '@hotpatch/protocol'
import { describe, expect, test } from 'vitest'
import { openLine } from '../testing/slow-line.ts'
import { useServer } from '../testing/server-suite.ts'

const server = useServer()
const release = 'release --bundle-dir dist --platform android --version'
const files = { 'dist/index.android.bundle': 'bundle', 'dist/assets/logo.png': 'png' }

/** Of a preflight that failed, as `--json` prints them. */
async function findings({ exitCode, stdout, stderr }: { exitCode: number; stdout: string; stderr: string }) {
  const { error } = JSON.parse(stderr.trim().split('\n').at(-1) ?? '') as {
    error: { type: string; findings: ReleaseFinding[] }
  }
  expect([exitCode, stdout, error.type]).toEqual([1, '', 'preflight-failed'])
  return error.findings
}

describe('release', () => {
  test('publishes what the options say, signed', async () => {
    const { write, json, app } = await server.createPublisher()
    await write(files)
    const published = await json<PublishedArchive>(
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
      content: { kind: 'archive', fileCount: 2 },
    })
    expect(published).toMatchObject({ percentage: 0.29, mandatory: true, keyRegistered: true })

    const bytes = Buffer.from(await (await fetch(published.content.downloadUrl)).arrayBuffer())
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(published.content.sha256)
    expect(bytes.length).toBe(published.content.sizeBytes)
    expect(published.content.tree).toMatch(/^[0-9a-f]{64}$/)

    const stored = await json<Release>('releases', 'show', published.releaseId)
    const requirement = { minNativeVersion: '2.1', nativeRange: '>=1 <4', runtimeVersion: 'r1' }
    expect(stored).toMatchObject({ notes: 'New\nthings', floor: 1, requirement, signature: expect.any(String) })
    expect(readReleaseStatement(Buffer.from(stored.statement ?? '', 'base64').toString('utf8'))).toMatchObject({
      appId: app.id,
      sequence: 1,
      requirement,
      content: { kind: 'archive', tree: published.content.tree },
      artifacts: [{ name: 'bundle.zip', sha256: published.content.sha256, sizeBytes: published.content.sizeBytes }],
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
      content: { kind: 'archive', fileCount: 2 },
      keyRegistered: true,
    })
    expect(shown.stderr).toContain('This registers your key as the first signing key')
    expect((await json<Page<Release>>('releases list')).items).toEqual([])
    expect((await json<Page<SigningKey>>('keys list')).items).toEqual([])
  })

  test('signs the way back in advance, and the guard keeps it', async () => {
    const { write, json, run } = await server.createPublisher()
    await write(files)
    const first = await json<PublishedArchive>(`${release} 1.0.0 --guard roll-back --yes`)
    expect((await run(`${release} 1.1.0 --guard roll-back --dry-run`)).stderr).toContain(
      'back to 1.0.0, signed in advance',
    )
    const second = await json<PublishedArchive>(`${release} 1.1.0 --guard roll-back --guard-limit 2% --yes`)
    expect(second.sequence).toBe(2)
    expect(await json<Guard>('rollouts guard', second.rolloutId)).toMatchObject({
      settings: { action: 'roll-back', maxBadPercent: 2 },
      goesBackTo: { releaseId: first.releaseId, version: '1.0.0', isPrepared: true },
    })
    // The sequences in between are those of the way back: to 1.0.0, and from there to what the binary shipped with.
    expect(await json<PublishedArchive>(`${release} 1.2.0 --yes`)).toMatchObject({ sequence: 5 })
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
    expect(JSON.parse(stdout)).toMatchObject({ platform: 'ios', content: { fileCount: 1 } })
  })

  test('of the same version again is done already; with anything different it fails, before anything is sent', async () => {
    const { write, run, json } = await server.createPublisher()
    await write(files)
    const first = await json<PublishedArchive>(`${release} 1.0.0 --yes`)
    expect(await json<PublishedArchive>(`${release} 1.0.0 --yes`)).toEqual(first)
    expect((await json<Page<Release>>('releases list')).items).toHaveLength(1)
    const failed = await findings(await run(`${release} 1.0.0 --yes --json --rollout 50`))
    expect(failed).toMatchObject([{ check: 'version', found: expect.stringContaining('"production" already') }])
    await write({ 'dist/more.js': 'x' })
    const [different] = await findings(await run(`${release} 1.0.0 --yes --json`))
    expect(different).toMatchObject({
      check: 'version',
      found: expect.stringContaining(`expected SHA-256 ${first.content.sha256}`),
    })
  })

  test('of the same version on a further channel places the release that is there, with its requirement', async () => {
    const { write, run, json } = await server.createPublisher()
    await write(files)
    const first = await json<PublishedArchive>(`${release} 1.0.0 --channel staging --min-native 2.0 --yes`)
    const line = `${release} 1.0.0 --rollout 20`
    const { stderr } = await run(`${line} --dry-run`)
    expect(stderr).toMatch(
      /Existing +the very same was published .* by owner on staging: it is placed on production, too/,
    )
    expect(stderr).toMatch(/Needs +native version 2.0 or newer \(as this version was published\)/)
    const second = await json<PublishedArchive>(`${line} --yes`)
    expect(second).toMatchObject({ releaseId: first.releaseId, existing: true, channel: 'production', percentage: 20 })
    expect(second.sequence).toBe(first.sequence + 1)
    expect(await json<PublishedArchive>(`${line} --yes`)).toEqual(second)
    expect((await json<Page<Release>>('releases list')).items).toHaveLength(1)
    await write({ 'dist/more.js': 'x' })
    const [different] = await findings(await run(`${release} 1.0.0 --channel beta --yes --json`))
    expect(different).toMatchObject({ check: 'version', found: expect.stringContaining('bundle.zip') })
  })

  test('of the same files has the same bytes, which are sent once', async () => {
    const { write, json } = await server.createPublisher()
    await write(files)
    const first = await json<PublishedArchive>(`${release} 1.0.0 --yes`)
    const second = await json<PublishedArchive>(`${release} 1.0.1 --yes`)
    expect([second.content.sha256, second.sequence]).toEqual([first.content.sha256, 2])
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
    ['a version that is none', ['--version', 'abc'], 2, 'Expected a version such as 1.2.0'],
    ['a check that nobody can force', ['--force', 'channel'], 2, 'Expected what to force: secret'],
    ['any native app and a range of them', ['--any-native', '--min-native', '1'], 2, 'not both'],
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

test('a release for a platform that the app has not is refused', async () => {
  const { write, run } = await server.createPublisher()
  await write(files)
  const { exitCode, stderr } = await run('release --bundle-dir dist --platform web --version 1.0.0 --yes')
  expect([exitCode, stderr]).toEqual([1, expect.stringContaining('platform: expected')])
})

describe('the preflight', () => {
  const released = async (json: (line: string) => Promise<unknown>) =>
    ((await json('releases list')) as Page<Release>).items.length

  test('finds everything at once, in a dry run as in the real one', async () => {
    const { write, run, json } = await server.createPublisher()
    await write({ 'dist/main.jsbundle': 'x', 'dist/.env': 'SECRET=1', 'dist/node_modules/a/index.js': 'x' })
    for (const how of ['--dry-run', '--yes']) {
      const failed = await findings(await run(`${release} 1.0.0 --channel prodution --json ${how}`))
      expect(failed.map(({ check }) => check)).toEqual([
        'channel',
        'entry-file',
        'node-modules',
        'secret',
        'native-range',
      ])
      expect(failed[0]?.advice).toContain('Did you mean "production"?')
    }
    const { stderr } = await run(`${release} 1.0.0 --yes`)
    expect(stderr).toMatch(/✗ secret: expected nothing secret, found environment variables in \.env\..*--force secret/)
    expect(await released(json)).toBe(0)
  })

  test('lets through what is forced by name, and says so', async () => {
    const { write, run, json } = await server.createPublisher()
    await write({ ...files, 'dist/.env': 'PUBLIC=1' })
    const forced = await run(`${release} 1.0.0 --force secret --yes`)
    expect(forced).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('This was forced.') })
    expect(await released(json)).toBe(1)
  })

  test('comes before the bundler, and looks at what that made', async () => {
    const { installProgram, run, json } = await server.createPublisher()
    const write = "require('node:fs').writeFileSync(process.argv[process.argv.indexOf('--bundle-output') + 1], '')"
    await installProgram('npx', `console.log('bundling'); ${write}`)
    const command = 'release --platform ios --version 1.0.0 --yes --json'
    const early = await run(`${command} --channel nowhere`)
    expect(early.stderr).not.toContain('bundling')
    expect(await findings(early)).toMatchObject([{ check: 'channel' }, { check: 'native-range' }])
    const late = await run(command)
    expect(late.stderr).toContain('bundling')
    expect(await findings(late)).toMatchObject([{ check: 'entry-file', found: 'an empty file' }, {}])
    expect(await released(json)).toBe(0)
  })

  test('leaves source maps out, and keeps them', async () => {
    const { write, json, run, cwd } = await server.createPublisher()
    await write({ ...files, 'dist/index.android.bundle.map': '{}' })
    expect((await run(`${release} 1.0.0 --dry-run`)).stderr).toContain('1 source map left out')
    const { content } = await json<PublishedArchive>(`${release} 1.0.0 --yes`)
    expect(content.fileCount).toBe(2)
    const kept = await readdir(join(cwd, 'build', 'hotpatch-source-maps', content.sha256))
    expect(kept.sort()).toEqual(['index.android.bundle.map', 'release.json'])
    expect(await json<PublishedArchive>(`${release} 1.0.1 --yes --source-maps`)).toMatchObject({
      content: { fileCount: 3 },
    })
  })

  test('says what is covered, and what a release requires by itself', async () => {
    const { write, run, json } = await server.createPublisher()
    await write({ ...files, 'android/app/build.gradle': 'versionName "1.4"' })
    await json(`${release} 1.0.0 --rollout 30 --yes`)
    const { stderr } = await run(`${release} 1.1.0 --dry-run`)
    expect(stderr).toMatch(/Covers +1\.0\.0 \(30 %\)/)
    expect(stderr).toMatch(/Needs +native version <=1\.4\.0 \(versionName in android\/app\/build\.gradle/)
    const published = await json<PublishedArchive>(`${release} 1.1.0 --yes`)
    const stored = await json<Release>('releases', 'show', published.releaseId)
    expect(stored.requirement).toEqual({ nativeRange: '<=1.4.0' })
    const statement = readReleaseStatement(Buffer.from(stored.statement ?? '', 'base64').toString('utf8'))
    expect(statement.requirement).toEqual({ nativeRange: '<=1.4.0' })

    const forAny = await json<PublishedArchive>(`${release} 1.2.0 --any-native --yes`)
    expect((await json<Release>('releases', 'show', forAny.releaseId)).requirement).toEqual({})
  })
})

describe('on a line that is slow or breaks', () => {
  /** Random, so that zipping makes it no smaller. */
  const large = () => ({ 'dist/index.android.bundle': randomBytes(300_000).toString('base64') })
  const nobodyWaits = { pause: () => Promise.resolve() }

  test('five who publish at once all do, and each sends its bytes once', async () => {
    const { write, run, json, env, home } = await server.createPublisher()
    await write(large())
    await json(`${release} 1.0.0 --yes`)
    const line = await openLine(server.url(), { bytesPerSecond: 1_500_000 })
    // Each on a machine of its own, with the same key.
    const key = join(home, '.rn-ota', 'signing_key.pem')
    const versions = ['1.1.0', '1.2.0', '1.3.0', '1.4.0', '1.5.0']
    for (const version of versions)
      await write({ [`of-${version}/index.android.bundle`]: randomBytes(200_000).toString('base64') })
    const answers = await Promise.all(
      versions.map((version) =>
        run(`release --platform android --bundle-dir of-${version} --version ${version} --key ${key} --yes --json`, {
          ...nobodyWaits,
          env: { ...env, HOME: join(home, version), HOTPATCH_URL: line.url },
        }),
      ),
    )
    expect(answers.map(({ exitCode, stderr }) => (exitCode === 0 ? '' : stderr))).toEqual(['', '', '', '', ''])
    const sequences = answers.map(({ stdout }) => (JSON.parse(stdout) as PublishedArchive).sequence)
    expect(sequences.sort((a, b) => a - b)).toEqual([2, 3, 4, 5, 6])
    expect(line.requests.filter((request) => request.startsWith('PUT '))).toHaveLength(5)
  })

  test.each([
    [
      'a gateway that gives up',
      (response: ServerResponse) => response.writeHead(504, { 'retry-after': '1' }).end('<html>'),
    ],
    ['a connection that breaks', (response: ServerResponse) => response.destroy()],
  ])('%s after a success is asked again, and the release is there once', async (_case, lose) => {
    const { write, run, env } = await server.createPublisher()
    await write(large())
    const line = await openLine(server.url(), { lose, losing: /^(?:PUT .*\/artifacts\/|POST .*\/releases)/ })
    const there = (command: string) =>
      run(`${command} --json`, { ...nobodyWaits, env: { ...env, HOTPATCH_URL: line.url } })
    const { stdout, stderr } = await there(`${release} 1.0.0 --yes`)
    expect(stderr).toContain('The server has it now, once.')
    const { releaseId } = JSON.parse(stdout) as PublishedArchive
    const { items } = JSON.parse((await there('releases list')).stdout) as Page<Release>
    expect(items).toMatchObject([{ id: releaseId, sequence: 1 }])
    const rollouts = JSON.parse((await there('rollouts list')).stdout) as Page<unknown>
    expect(rollouts.items).toHaveLength(1)
    // The bytes had arrived before their answer was lost.
    expect(line.requests.filter((request) => request.startsWith('PUT '))).toHaveLength(1)
    expect(line.requests.filter((request) => /^POST .*releases$/.test(request))).toHaveLength(2)
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
      json<PublishedArchive>(`${release} 1.0.1 --yes`),
      json<PublishedArchive>(`${release} 1.0.2 --yes`),
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
  expect([exitCode, stderr]).toEqual([1, expect.stringContaining('This is not allowed to you')])
})
