import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Impact, Page, PublishedArchive, Release, Rollout } from '@hotpatch/api'
import { describe, expect, test } from 'vitest'
import { openLine } from '../testing/slow-line.ts'
import { useServer } from '../testing/server-suite.ts'

const server = useServer()
const release = 'release --platform android,ios --bundle-dir dist/{platform} --version'
const files = { 'dist/android/index.android.bundle': 'for android', 'dist/ios/main.jsbundle': 'for ios' }

interface Both {
  releases: PublishedArchive[]
}
interface Failure {
  error: { type: string; message: string } & Record<string, unknown>
}

const failureOf = ({ stderr }: { stderr: string }) =>
  (JSON.parse(stderr.trim().split('\n').at(-1) ?? '') as Failure).error

async function createPublisher() {
  const publisher = await server.createPublisher()
  await publisher.write(files)
  const listed = async () => (await publisher.json<Page<Release>>('releases list')).items
  return { ...publisher, listed }
}

describe('release', () => {
  test('publishes for several platforms, after one plan and one question', async () => {
    const { run, listed } = await createPublisher()
    const refused = await run(`${release} 1.0.0`, { isTTY: true, input: 'n' })
    expect(refused).toMatchObject({ exitCode: 1, stdout: '' })
    expect(refused.stderr).toMatch(/Plan for android\n[^]*Plan for ios\n[^]*Publish 1\.0\.0 for android and ios\?/)
    expect(await listed()).toEqual([])
    const { stdout, stderr } = await run(`${release} 1.0.0 --json`, { isTTY: true, input: 'y' })
    expect(stderr).toMatch(/^Done for ios, 2 of 2\.$/m)
    const { releases } = JSON.parse(stdout) as Both
    expect(releases).toMatchObject([
      { platform: 'android', version: '1.0.0', sequence: 1 },
      { platform: 'ios', version: '1.0.0', sequence: 1 },
    ])
    expect(releases[0]?.content.sha256).not.toBe(releases[1]?.content.sha256)
    expect(await listed()).toHaveLength(2)
  })

  test('is for all platforms of the project file when none is named, and says so', async () => {
    const { write, run, app, listed } = await createPublisher()
    const defaults = { bundleDir: 'dist/{platform}' }
    await write({ 'hotpatch.json': JSON.stringify({ app: app.slug, platforms: ['android', 'ios'], defaults }) })
    const dry = await run('release --version 1.0.0 --dry-run --json')
    expect(dry.stderr).toMatch(/^For android and ios, the platforms of .*hotpatch\.json\. Others: --platform\.$/m)
    expect(JSON.parse(dry.stdout)).toMatchObject({
      releases: [
        { dryRun: true, platform: 'android' },
        { dryRun: true, platform: 'ios' },
      ],
    })
    expect(await listed()).toEqual([])
    const one = await run('release --version 1.0.0 --platform ios --yes --json')
    expect(JSON.parse(one.stdout)).toMatchObject({ platform: 'ios', version: '1.0.0' })
    const both = await run('release --version 1.0.0 --platform ios --platform android --yes')
    expect(both.exitCode).toBe(0)
    expect(await listed()).toHaveLength(2)
  })

  test('is one release for all of them as "any", whatever the project file lists', async () => {
    const { write, run, app, listed } = await createPublisher()
    await write({ 'hotpatch.json': JSON.stringify({ app: app.slug, platforms: ['android', 'ios'] }) })
    await write({ 'www/index.html': '<p>hello</p>' })
    const any = await run('release --version 1.0.0 --platform any --bundle-dir www --yes --json')
    expect(JSON.parse(any.stdout)).toMatchObject({ platform: 'any', version: '1.0.0' })
    const back = await run('rollback --platform any --to embedded --yes')
    expect(back.exitCode).toBe(0)
    expect(await listed()).toHaveLength(1)
    const both = await run('release --version 2.0.0 --platform any,ios --bundle-dir www --yes --json')
    expect(failureOf(both)).toMatchObject({
      message: 'Expected any alone, which is for all platforms of the app, found it beside ios.',
    })
    const other = await run('release --version 2.0.0 --platform web --bundle-dir www --yes --json')
    expect(failureOf(other).message).toMatch(/lists the platforms android, ios, not web\.$/)
  })

  test('tells what is wrong with all of them at once, and publishes none', async () => {
    const { write, run, listed } = await createPublisher()
    await write({ 'dist/ios/.env': 'SECRET=1' })
    for (const how of ['--dry-run', '--yes']) {
      const failed = await run(
        `release --platform android,ios,web --bundle-dir dist/{platform} --version 1 --json ${how}`,
      )
      expect(failed).toMatchObject({ exitCode: 1, stdout: '' })
      expect(failureOf(failed)).toMatchObject({
        type: 'platforms-failed',
        problems: [
          {
            platform: 'ios',
            type: 'preflight-failed',
            findings: expect.arrayContaining([expect.objectContaining({ check: 'secret' })]),
          },
          { platform: 'web', message: expect.stringContaining('Expected a folder') },
        ],
      })
    }
    expect(await listed()).toEqual([])
  })

  test('says what is published when a later one fails, and the same command publishes the rest', async () => {
    const { run, json, env } = await createPublisher()
    const { releases } = await json<Both>(`${release} 1.0.0 --dry-run`)
    const line = await openLine(server.url(), {
      losing: new RegExp(`^GET .*/artifacts/${releases[1]?.content.sha256}`),
      lose: (response) => response.writeHead(413).end('<html>'),
    })
    const there = { env: { ...env, HOTPATCH_URL: line.url } }
    const listed = async () => (JSON.parse((await run('releases list --json', there)).stdout) as Page<Release>).items
    const failed = await run(`${release} 1.0.0 --yes --json`, there)
    expect(failed).toMatchObject({ exitCode: 1, stdout: '' })
    const failure = failureOf(failed)
    expect(failure).toMatchObject({
      type: 'partly-done',
      done: ['android'],
      notDone: ['ios'],
      reason: { status: 413, hint: expect.stringContaining('A proxy') },
    })
    expect(failure.message).toMatch(/^Done for android; not done for ios, as ios failed: [^]*--platform ios$/)
    const [first, ...others] = await listed()
    expect([first?.platform, others]).toEqual(['android', []])

    const again = await run(`${release} 1.0.0 --yes --json`, there)
    expect(again.stderr).toMatch(/^1\.0\.0 for android is on production already, with these very bytes\.$/m)
    expect((JSON.parse(again.stdout) as Both).releases).toMatchObject([
      { platform: 'android', releaseId: first?.id },
      { platform: 'ios', sequence: 1 },
    ])
    expect(await listed()).toHaveLength(2)
  })

  test('with the bundler, too: what is there is built again to see that it is the same', async () => {
    const { installProgram, run, json, listed } = await createPublisher()
    const bundler = (content: string) =>
      installProgram(
        'npx',
        `const at = (name) => process.argv[process.argv.indexOf(name) + 1]
        require('node:fs').writeFileSync(at('--bundle-output'), ${content})`,
      )
    await bundler("at('--platform')")
    const first = await json<PublishedArchive>('release --platform android --version 1.0.0 --yes')
    const both = await json<Both>('release --platform android,ios --version 1.0.0 --yes')
    expect(both.releases).toMatchObject([first, { platform: 'ios' }])
    await bundler("'something else'")
    const failed = await run('release --platform android,ios --version 1.0.0 --yes --json')
    expect(failureOf(failed)).toMatchObject({ problems: [{ platform: 'android' }, { platform: 'ios' }] })
    expect(await listed()).toHaveLength(2)
  })

  test('with a key from standard input, which is read once', async () => {
    const { run, json, cwd } = await createPublisher()
    await json('keys generate --key ci.pem')
    const input = await readFile(join(cwd, 'ci.pem'), 'utf8')
    expect(await run(`${release} 1.0.0 --key - --yes`, { input })).toMatchObject({ exitCode: 0 })
    expect(await run(`${release} 1.1.0 --key - --yes`, { input })).toMatchObject({ exitCode: 0 })
    const back = 'promote --version 1.0.0 --from production --to beta --platform android,ios --guard roll-back'
    expect(await run(`${back} --key - --yes`, { input })).toMatchObject({ exitCode: 0 })
  })

  test.each([
    ['one folder', '--bundle-dir dist', 'dist would be published for several platforms'],
    ['a floor', '--bundle-dir dist/{platform} --floor 3', 'each platform counts its own'],
  ])('refuses %s for several', async (_case, options, message) => {
    const { run } = await createPublisher()
    const { exitCode, stderr } = await run(`release --platform android,ios --version 1.0.0 --yes ${options}`)
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining(message)])
  })
})

describe('promote', () => {
  const promote = 'promote --version 1.0.0 --from beta --to production --platform android,ios'

  test('puts a version of several platforms on another channel, after one question', async () => {
    const { run, json } = await createPublisher()
    await json(`${release} 1.0.0 --channel beta --yes`)
    const { stdout, stderr, exitCode } = await run(`${promote} --rollout 20 --json`, { isTTY: true, input: 'y' })
    expect([exitCode, stderr]).toEqual([
      0,
      expect.stringMatching(/Plan for android: 1\.0\.0\n[^]*Plan for ios: 1\.0\.0\n/),
    ])
    expect(stderr).toMatch(/Put 1\.0\.0 for android and ios on production, for/)
    expect(stderr).toContain('20 % of its devices?')
    const { rollouts } = JSON.parse(stdout) as { rollouts: (Rollout & { impact: Impact | null })[] }
    expect(rollouts).toMatchObject([
      { platform: 'android', channel: 'production', percentage: 20, impact: { devices: 0 } },
      { platform: 'ios', channel: 'production', percentage: 20, impact: { devices: 0 } },
    ])
  })

  test('the same command again places the rest, and leaves what is there', async () => {
    const { run, env } = await createPublisher()
    const line = await openLine(server.url(), {
      losing: /^POST .*\/rollouts$/,
      lose: (response) => response.writeHead(413).end('<html>'),
    })
    const there = { env: { ...env, HOTPATCH_URL: line.url } }
    await run(`${release} 1.0.0 --channel beta --yes`, there)
    const listed = async () =>
      (JSON.parse((await run('rollouts list --channel production --json', there)).stdout) as Page<Rollout>).items
    expect(await run(`${promote} --rollout 20 --yes --json`, there)).toMatchObject({ exitCode: 1, stdout: '' })
    const [first, ...others] = await listed()
    expect([first?.platform, others]).toEqual(['android', []])

    const again = await run(`${promote} --rollout 20 --yes --json`, there)
    expect(again).toMatchObject({ exitCode: 0 })
    expect(again.stderr).toMatch(/^1\.0\.0 for android is on top of production already, for 20 % of its devices: /m)
    expect(JSON.parse(again.stdout)).toMatchObject({ rollouts: [{ id: first?.id }, { platform: 'ios' }] })
    expect(await listed()).toHaveLength(2)
    // Nothing is left to be asked.
    const third = await run(`${promote} --rollout 20`, { ...there, isTTY: true })
    expect([third.exitCode, third.stderr]).toEqual([0, expect.not.stringContaining('Put 1.0.0')])
    // Whoever wants something else gets something else.
    const other = await run(`${promote} --rollout 30 --yes --json`, there)
    expect(JSON.parse(other.stdout)).toMatchObject({ rollouts: [{ percentage: 30 }, { percentage: 30 }] })
    expect(await listed()).toHaveLength(4)
  })

  test('promotes none when one of them cannot be', async () => {
    const { run, json } = await createPublisher()
    await json('release --platform android --bundle-dir dist/android --version 1.0.0 --channel beta --yes')
    const failed = await run(`${promote} --yes --json`)
    expect(failureOf(failed)).toMatchObject({ problems: [{ platform: 'ios', type: 'release-not-found' }] })
    expect((await json<Page<Rollout>>('rollouts list --channel production')).items).toEqual([])
    const two = await run('promote --release x --platform android,ios --to beta --yes')
    expect(two).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('--release is of one platform') })
    const bundle = await run(`${promote} --bundle x.zip --yes`)
    expect(bundle).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('--bundle is of one platform') })
  })
})
