import type { ChannelKey, Page, Release, Rollout } from '@hotpatch/api'
import { startCliProcess, zipOf } from '@hotpatch/testkit'
import { expect, onTestFinished, test } from 'vitest'
import {
  historyOf,
  packageHashOf,
  SOURCE_KEY,
  startCodePushSource,
  type SourceApps,
  type SourceRelease,
} from '../testing/code-push-source.ts'
import { createTool } from '../testing/run-tool.ts'
import { useServer } from '../testing/server-suite.ts'

const server = useServer()
let count = 0

/** Whoever imports, from a source of these apps, into an app that is not there yet. */
async function createImporter(apps: SourceApps) {
  const source = await startCodePushSource(apps)
  onTestFinished(() => void source.close())
  const tool = await createTool({
    HOTPATCH_URL: server.url(),
    HOTPATCH_TOKEN: server.ownerToken(),
    HOTPATCH_SOURCE_TOKEN: SOURCE_KEY,
  })
  count += 1
  const slug = `moved-${count}`
  const line = `import code-push --from ${source.url} --app ${slug}`
  const rollouts = async () => (await tool.json<Page<Rollout>>(`rollouts list --app ${slug}`)).items
  const labels = async () =>
    (await rollouts()).map((each) => [each.channel, each.labelNumber, each.state, each.percentage])
  /** What somebody does here by other means. */
  async function place(body: object) {
    const headers = { authorization: `Bearer ${server.ownerToken()}`, 'content-type': 'application/json' }
    const sent = { method: 'POST', headers, body: JSON.stringify({ channel: 'production', ...body }) }
    expect((await fetch(`${server.url()}/manage/v1/apps/${slug}/rollouts`, sent)).status).toBe(201)
  }
  return { ...tool, source, slug, line, rollouts, labels, place }
}

async function check(key: string, told: Record<string, string> = {}) {
  const fields = { deployment_key: key, app_version: '1.0.0', client_unique_id: 'device-1', ...told }
  const url = `${server.url()}/v0.1/public/codepush/update_check?${new URLSearchParams(fields)}`
  const answer = await fetch(url)
  if (answer.status !== 200) return { status: answer.status }
  return ((await answer.json()) as { update_info: Record<string, unknown> }).update_info
}

const keyFor = (name: string) => `deployment-key-${count}-${name}`
const release = (number: number, bundle: string, more: Partial<SourceRelease> = {}): SourceRelease => ({
  label: `v${number}`,
  bundle,
  ...more,
})

test('apps, deployments, labels, histories and keys come over, and the devices of before are answered', async () => {
  const [production, staging] = ['a-production-key-of-before', 'a-staging-key-of-before-too']
  const tool = await createImporter({
    'MyApp-Android': {
      // What was before v7 the source has forgotten.
      Production: {
        key: production,
        releases: [
          release(7, 'one', { description: 'First', isMandatory: true }),
          release(8, 'bad', { isDisabled: true }),
          release(9, 'two', { appVersion: '^1.0.0' }),
          release(10, 'one', { description: 'First' }),
          release(11, 'three', { rollout: 0 }),
        ],
      },
      'Early Birds': { key: staging, releases: [release(1, 'two', { appVersion: '^1.0.0' })] },
    },
  })
  const shown = await tool.run(`${tool.line} --dry-run`)
  expect(shown).toMatchObject({ exitCode: 0 })
  for (const text of [
    `The app ${tool.slug} is made, for android.`,
    'The channel early-birds is made.',
    'MyApp-Android Production v7 onto production for android, binaries 1.0.0 <=1.0.0, 200 bytes, mandatory.',
    'v8 onto production for android, binaries 1.0.0 <=1.0.0, 200 bytes, halted, as it is disabled there.',
    'v11 onto production for android, binaries 1.0.0 <=1.0.0, 200 bytes, 0 %.',
    'The key of MyApp-Android Production is taken over, for production on android.',
    'Not imported: 1 collaborator, ann@example.com',
  ]) {
    expect(shown.stderr).toContain(text)
  }
  expect(await tool.run(`apps show ${tool.slug}`)).toMatchObject({ exitCode: 1 })
  expect(await tool.run(tool.line)).toMatchObject({ exitCode: 2 })
  expect(await tool.run(tool.line, { isTTY: true, input: 'n\n' })).toMatchObject({ exitCode: 1 })
  expect(await tool.run(`apps show ${tool.slug}`)).toMatchObject({ exitCode: 1 })

  expect(await tool.json(`${tool.line} --yes`)).toMatchObject({ already: 0, leftOut: [], keys: expect.any(Array) })
  expect(await tool.labels()).toEqual([
    ['production', 11, 'active', 0],
    ['production', 10, 'active', 100],
    ['production', 9, 'active', 100],
    ['production', 8, 'halted', 100],
    ['early-birds', 1, 'active', 100],
    ['production', 7, 'active', 100],
  ])
  // A roll-back and a promotion are of a release that is there.
  const releases = (await tool.json<Page<Release>>(`releases list --app ${tool.slug}`)).items
  expect(releases.map(({ notes }) => notes).toSorted()).toEqual(['', '', '', 'First'])

  const fresh = await check(production)
  expect(fresh).toMatchObject({ is_available: true, label: 'v10', is_mandatory: true, description: 'First' })
  expect(fresh).toMatchObject({ package_hash: packageHashOf('one') })
  const zip = await fetch(String('download_url' in fresh ? fresh.download_url : ''))
  expect(zip.status).toBe(200)
  // By hash and by label alone, and of what was disabled.
  expect(await check(production, { package_hash: packageHashOf('two'), label: 'v9' })).toMatchObject({ label: 'v10' })
  expect(await check(production, { label: 'v9' })).toMatchObject({ label: 'v10', is_mandatory: false })
  expect(await check(production, { package_hash: packageHashOf('bad'), label: 'v8' })).toMatchObject({ label: 'v10' })
  expect(await check(production, { app_version: '1.3.0' })).toMatchObject({ label: 'v9' })
  expect(await check(staging)).toMatchObject({ label: 'v1', package_hash: packageHashOf('two') })

  // Nobody but the source was told its key, and nobody is shown it.
  expect(tool.source.asked.filter(({ path }) => path.startsWith('/blobs/')).map((each) => each.authorization)).toEqual(
    tool.source.asked.filter(({ path }) => path.startsWith('/blobs/')).map(() => undefined),
  )
  expect(JSON.stringify(shown)).not.toContain(SOURCE_KEY)
})

test('again changes nothing, and what came since is added; what became of it here stays', async () => {
  const key = keyFor('again-and-again')
  const tool = await createImporter({ 'MyApp-Android': { Production: { key, releases: [release(1, 'one')] } } })
  await tool.json(`${tool.line} --yes`)
  const before = tool.source.asked.length
  expect(await tool.json(`${tool.line} --yes`)).toMatchObject({ imported: [], already: 1, keys: [] })
  expect(tool.source.asked.slice(before).some(({ path }) => path.startsWith('/blobs/'))).toBe(false)
  const [first] = await tool.rollouts()
  await tool.json(`rollouts set ${first?.id} --app ${tool.slug} --percentage 50 --yes`)
  tool.source.apps['MyApp-Android']?.Production?.releases.push(release(2, 'two'))
  const again = await tool.run(`${tool.line} --yes`)
  expect(again.stderr).toContain('v1 is for 100 % at the source, and for 50 % here: it is left as it is.')
  expect(await tool.labels()).toEqual([
    ['production', 2, 'active', 100],
    ['production', 1, 'active', 50],
  ])
})

test('what was killed in between goes on, nothing twice, and no device is let in before all is there', async () => {
  const key = keyFor('killed-in-between')
  const releases = [release(1, 'one'), release(2, 'off', { isDisabled: true }), release(3, 'three')]
  const tool = await createImporter({ 'MyApp-Android': { Production: { key, releases } } })
  const third = new Promise<void>((resolve) => {
    tool.source.intercept(({ url }) => {
      if (url !== '/blobs/three') return false
      resolve()
      return true // it waits for ever
    })
  })
  const running = startCliProcess([...tool.line.split(' '), '--yes'], { cwd: tool.cwd, env: tool.env })
  await third
  running.kill('SIGKILL')
  expect((await running.ended).code).toBeNull()
  expect(await tool.labels()).toEqual([
    ['production', 2, 'halted', 100],
    ['production', 1, 'active', 100],
  ])
  expect(await check(key)).toEqual({ status: 401 })
  tool.source.intercept(() => false)
  expect(await tool.json(`${tool.line} --yes`)).toMatchObject({ imported: [{ label: 'v3' }], already: 2 })
  expect((await tool.labels()).map(([, label]) => label)).toEqual([3, 2, 1])
  expect(await check(key)).toMatchObject({ label: 'v3' })
})

test('one that was placed and not halted yet, as after a kill between the two, is halted', async () => {
  const key = keyFor('halted-later-on')
  const tool = await createImporter({
    'MyApp-Android': { Production: { key, releases: [release(1, 'one'), release(2, 'off', { isDisabled: true })] } },
  })
  await tool.json(`${tool.line} --yes`)
  const { items } = await tool.json<Page<Release>>(`releases list --app ${tool.slug}`)
  const off = items.find(({ version }) => version.startsWith('v2-'))
  await tool.place({ releaseId: off?.id, labelNumber: 3, paused: true })
  tool.source.apps['MyApp-Android']?.Production?.releases.push(release(3, 'off', { isDisabled: true }))
  expect(await tool.json(`${tool.line} --yes`)).toMatchObject({ imported: [{ label: 'v3' }], already: 2 })
  expect((await tool.labels())[0]).toEqual(['production', 3, 'halted', 100])
})

test('a package that is not what the source says stops its deployment, until somebody says otherwise', async () => {
  const [key, other] = [keyFor('not-what-it-says'), keyFor('that-is-as-it-was')]
  const tool = await createImporter({
    'MyApp-Android': {
      Production: {
        key,
        releases: [release(1, 'one', { change: { packageHash: 'a'.repeat(64) } }), release(2, 'two')],
      },
      Staging: { key: other, releases: [release(1, 'three')] },
    },
  })
  const told = await tool.run(`${tool.line} --yes`)
  expect(told.exitCode).toBe(1)
  expect(told.stderr).toContain(`v1 is left out: expected a package with the hash ${'a'.repeat(64)}`)
  expect(told.stderr).toContain('MyApp-Android Production is not whole')
  expect([await check(key), await check(other)]).toMatchObject([{ status: 401 }, { label: 'v1' }])
  expect(await tool.labels()).toEqual([['staging', 1, 'active', 100]])
  const without = await tool.json(`${tool.line} --yes --leave-out`)
  expect(without).toMatchObject({ imported: [{ label: 'v2' }], leftOut: [{ path: 'MyApp-Android Production v1' }] })
  // Its label is as it was.
  expect(await check(key)).toMatchObject({ label: 'v2' })
})

test('somebody who says so has it as it is', async () => {
  const key = keyFor('taken-as-it-is')
  const changed = release(1, 'one', { change: { packageHash: 'b'.repeat(64) } })
  const tool = await createImporter({ 'MyApp-Android': { Production: { key, releases: [changed] } } })
  await tool.json(`${tool.line} --yes --unverified`)
  expect(await check(key)).toMatchObject({ label: 'v1', package_hash: packageHashOf('one') })
})

test('a source that lies changes nothing here, and learns nothing', async () => {
  const key = keyFor('of-one-that-lies')
  const lies: [Partial<Record<string, unknown>>, string][] = [
    [{ blobUrl: 'file:///etc/passwd' }, 'no address by https'],
    [{ blobUrl: 'http://192.0.2.1/package.zip' }, 'no address by https'],
    [{ blobUrl: 'https://user:word@127.0.0.1/x.zip' }, 'no address by https'],
    [{ appVersion: 'soon' }, 'a version or range of the binary'],
    [{ rollout: 400 }, 'expected a percentage'],
    [{ packageHash: '../../x' }, 'a SHA-256 in hex'],
  ]
  const releases = lies.map(([change], index) => release(index + 1, `lie-${index}`, { change }))
  const tool = await createImporter({ 'MyApp-Android': { Production: { key, releases } } })
  tool.source.intercept(({ url }, response) => {
    if (url !== '/blobs/lie-9') return false
    response.writeHead(302, { location: 'http://192.0.2.1/elsewhere.zip' }).end()
    return true
  })
  releases.push(release(10, 'lie-9'))
  const { stderr, exitCode } = await tool.run(`${tool.line} --yes --leave-out`)
  expect(exitCode).toBe(0)
  for (const [, reason] of lies) expect(stderr).toContain(reason)
  expect(stderr).toContain('v10 is left out')
  expect(await tool.labels()).toEqual([])

  // A zip that would write elsewhere, and one that is none.
  const hostile = await zipOf({ 'CodePush/index.android.bundle': 'x' })
  for (const [from, to] of [['CodePush/index', '../../../index'] as const, ['PK', 'XX'] as const]) {
    const bytes = Buffer.from(
      hostile.toString('latin1').replaceAll(from, to.padEnd(from.length).slice(0, 14)),
      'latin1',
    )
    tool.source.apps['MyApp-Android'] = { Production: { key, releases: [release(1, 'zip')] } }
    tool.source.intercept(({ url }, response) => {
      if (url !== '/blobs/zip') return false
      response.end(bytes)
      return true
    })
    expect((await tool.run(`${tool.line} --yes`)).stderr).toContain('v1 is left out')
  }

  const errorOf = async (line = tool.line) => (await tool.run(`${line} --dry-run`)).stderr
  // The key goes nowhere else.
  tool.source.intercept((_, response) => {
    response.writeHead(307, { location: 'http://192.0.2.1/apps' }).end()
    return true
  })
  expect(await errorOf()).toContain('cannot be read')
  tool.source.intercept((_, response) => {
    response.end('{"apps":[{"name":"../../etc"}]}')
    return true
  })
  expect(await errorOf()).toContain('without a slash')
  tool.source.intercept(() => false)
  tool.source.apps['MyApp-Android'] = { Production: { key, releases: [release(2, 'a'), release(2, 'b')] } }
  expect(await errorOf()).toContain('a label above v2')
  const wrongKey = { ...tool.env, HOTPATCH_SOURCE_TOKEN: 'another-key-1234' }
  const refused = await tool.run(`${tool.line} --dry-run`, { env: wrongKey })
  expect(refused.stderr).toContain('answers 401')
  expect(refused.stderr).not.toContain('another-key-1234')
  const { HOTPATCH_SOURCE_TOKEN: _, ...without } = tool.env as Record<string, string>
  expect(await tool.run(`${tool.line} --dry-run`, { env: without })).toMatchObject({ exitCode: 2 })
  const piped = await tool.run(`${tool.line} --dry-run --source-token-stdin`, { env: without, input: SOURCE_KEY })
  expect(piped.stderr).toContain('a label above v2')
})

test('two apps of one name are one here, and what is not clear is asked', async () => {
  const of = (name: string) => ({ Production: { key: keyFor(name), releases: [release(1, name)] } })
  const tool = await createImporter({ 'Shop-Android': of('shop-for-android'), 'Shop-iOS': of('shop-for-ios-devices') })
  await tool.json(`${tool.line} --yes`)
  const { items } = await tool.json<Page<ChannelKey>>(`channels keys list --app ${tool.slug}`)
  expect(items.map(({ channel, platform }) => [channel, platform])).toEqual([
    ['production', 'android'],
    ['production', 'ios'],
  ])
  tool.source.apps.Other = of('another-app-of-theirs')
  const line = `import code-push --from ${tool.source.url} --app ${tool.slug}`
  expect(await tool.run(`${line} --dry-run`)).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('Name those of one app'),
  })
  const nameless = await tool.run(`${line} --dry-run --source-app Other`)
  expect(nameless.stderr).toContain('--source-app Other=android')
  expect((await tool.run(`${line} --dry-run --source-app Nobody`)).stderr).toContain('there is no Nobody')
  const both = await tool.run(`${line} --dry-run --source-app Other=android --source-app Shop-Android`)
  expect(both.stderr).toContain('would both be production for android')
  const apart = `${line} --app ${tool.slug}-2 --yes --source-app Other=android --deployment Production=beta`
  expect(await tool.json(apart)).toMatchObject({ imported: [{ channel: 'beta', platform: 'android' }] })
})

test('a folder of what the tool printed does as well, and a deployment that went on here is not mixed up', async () => {
  const key = keyFor('of-an-exported-one')
  const tool = await createImporter({})
  const releases = [release(3, 'one'), release(4, 'two')]
  const history = historyOf(releases, 'https://blobs.example.com/storagev2')
  await tool.write({
    'old/apps.json': JSON.stringify([{ name: 'MyApp-Android' }]),
    'old/MyApp-Android/deployments.json': JSON.stringify([{ name: 'Production', key }]),
    'old/MyApp-Android/Production.json': JSON.stringify(history),
    // By the last part of its address, and by its hash.
    'old/packages/one': await zipOf({ 'CodePush/index.android.bundle': 'one' }),
    [`old/packages/${packageHashOf('two')}.zip`]: await zipOf({ 'CodePush/index.android.bundle': 'two' }),
  })
  const line = `import code-push --from old --app ${tool.slug}`
  expect(await tool.json(`${line} --yes`)).toMatchObject({ imported: [{ label: 'v3' }, { label: 'v4' }] })
  expect(await check(key)).toMatchObject({ label: 'v4' })

  const [newest] = await tool.rollouts()
  await tool.place({ releaseId: newest?.releaseId })
  expect(await check(key)).toMatchObject({ label: 'v5' })
  const more = historyOf([...releases, release(5, 'three')], 'https://blobs.example.com/storagev2')
  await tool.write({
    'old/MyApp-Android/Production.json': JSON.stringify(more),
    'old/packages/three': await zipOf({ 'CodePush/index.android.bundle': 'three' }),
  })
  const { exitCode, stderr } = await tool.run(`${line} --yes`)
  expect([exitCode, stderr]).toEqual([1, expect.stringContaining('v5 is left out')])
  expect(stderr).toContain('labelNumber: expected more than 5')
  await tool.write({ 'old/apps.json': '[{"name":"nowhere"}]' })
  expect((await tool.run(`${line} --dry-run --source-app nowhere=android`)).stderr).toContain('cannot be read')
})
