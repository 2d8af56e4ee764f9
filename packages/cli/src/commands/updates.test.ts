import type { Page, PublishedRelease, Release, ReleaseFile, Rollout } from '@hotpatch/api'
import { expect, test } from 'vitest'
import { createTool } from '../testing/run-tool.ts'
import { useServer } from '../testing/server-suite.ts'

const server = useServer()

async function createStaged() {
  const publisher = await server.createPublisher({ platforms: ['android'] })
  async function publish(version: string, ...more: string[]) {
    await publisher.write({ 'www/main.js': `start('${version}')`, 'www/logo.txt': 'logo' })
    const line = 'publish www --kind files --entry main.js --platform android --any-native --yes --version'
    return publisher.json<PublishedRelease>(line, version, ...more)
  }
  return {
    ...publisher,
    publish,
    first: await publish('1.0.0'),
    second: await publish('1.1.0', '--message', 'a message'),
  }
}

test('lists updates by channel and platform, and views one with its files', async () => {
  const { json, run, first, second } = await createStaged()
  const listed = await json<Page<Release>>('updates list --channel production --platform android --limit 1')
  expect(listed).toMatchObject({ items: [{ id: second.releaseId, notes: 'a message' }], nextCursor: expect.anything() })
  expect((await run('updates list')).stdout).toMatch(/1\.1\.0 .*files.*\n1\.0\.0 /)
  expect((await run('updates list --channel beta')).stderr).toContain('None.')

  const viewed = await json<Release & { files: Page<ReleaseFile> }>(`updates view ${first.releaseId}`)
  expect(viewed).toMatchObject({ id: first.releaseId, version: '1.0.0', content: { launch: 'main.js' } })
  expect(viewed.files.items.map(({ path }) => path)).toEqual(['logo.txt', 'main.js'])
  const shown = await run(`updates view ${first.releaseId} --limit 1`)
  expect(shown.stdout).toMatch(/logo\.txt +4 bytes +text\/plain/)
  expect(shown.stderr).toContain('There are more files: --cursor')
  const { app } = await server.createPublisher()
  for (const line of [`view ${first.releaseId}`, `rollback ${first.releaseId} --yes`]) {
    const other = await run(`updates ${line} --app ${app.slug}`)
    expect([other.exitCode, other.stderr]).toEqual([1, expect.stringContaining(app.slug)])
  }
})

test('goes back from an update to what is below it, signed, after a question', async () => {
  const { run, json, first, second } = await createStaged()
  expect(await run(`updates rollback ${second.releaseId}`)).toMatchObject({ exitCode: 2 })
  const no = await run(`updates rollback ${second.releaseId}`, { isTTY: true, input: 'n' })
  expect([no.exitCode, no.stderr]).toEqual([1, expect.stringContaining('back to 1.0.0.')])
  expect((await json<Page<Rollout>>('rollouts list')).items).toHaveLength(2)

  // Nobody looks at what the server would have signed.
  const unseen = await run(`updates rollback ${second.releaseId} --yes --json`)
  expect([unseen.exitCode, unseen.stderr]).toEqual([1, expect.stringContaining('version-not-named')])
  const yes = await run(`updates rollback ${second.releaseId} --json`, { isTTY: true, input: 'y' })
  expect(JSON.parse(yes.stdout)).toMatchObject({
    releaseId: first.releaseId,
    sequence: 3,
    signs: [{ version: '1.0.0', sequence: 3 }],
  })
  const named = `updates rollback ${first.releaseId} --platform android --yes --to`
  expect(await json(`${named} 1.1.0`)).toMatchObject({ version: '1.1.0', sequence: 4 })
  expect(await json(`${named} embedded`)).toMatchObject({ target: 'embedded', sequence: 5 })
  const other = await run(`updates rollback ${first.releaseId} --platform ios --yes --to 1.1.0`)
  expect([other.exitCode, other.stderr]).toEqual([2, expect.stringContaining('found 1.0.0 for android')])
})

test('where an update is on several channels, one is named; below the first lies what the binary shipped with', async () => {
  const { run, json, first } = await createStaged()
  await json(`promote --version 1.0.0 --platform android --to beta --yes`)
  const asked = await run(`updates rollback ${first.releaseId} --yes`)
  expect([asked.exitCode, asked.stderr]).toEqual([2, expect.stringMatching(/one of .*production.*found none/)])
  const other = await run(`updates rollback ${first.releaseId} --channel staging --yes`)
  expect([other.exitCode, other.stderr]).toEqual([2, expect.stringContaining('found staging')])
  const line = `updates rollback ${first.releaseId} --channel beta --platform android`
  expect(await json(`${line} --dry-run`)).toMatchObject({ dryRun: true, target: 'embedded', channel: 'beta' })
  expect(await json(`${line} --to embedded --yes`)).toMatchObject({ target: 'embedded', channel: 'beta' })
  const guarded = await run(`${line} --to embedded --guard roll-back --yes`)
  expect([guarded.exitCode, guarded.stderr]).toEqual([2, expect.stringContaining('has no guard')])
})

test('shows downloads, active devices and how updates do', async () => {
  const { run, json } = await createStaged()
  expect(await json('updates stats --platform android')).toMatchObject({
    active: { month: { devices: 0 } },
    downloads: { downloads: 0 },
    health: { releases: [] },
  })
  const { stdout, exitCode } = await run('updates stats')
  expect([exitCode, stdout]).toEqual([0, expect.stringMatching(/active devices +0 in the last day/)])
})

test('configures the server, with a key that comes by standard input', async () => {
  const tool = await createTool()
  const line = ['updates', 'configure', '--url', server.url(), '--token-stdin']
  expect(await tool.run(line, { input: server.ownerToken() })).toMatchObject({ exitCode: 0 })
  expect(await tool.json('whoami')).toMatchObject({ url: server.url() })
})

test('a message is what notes are', async () => {
  const { run } = await createStaged()
  const line = 'publish www --kind files --platform android --any-native --yes --version 2.0.0 --notes a --message b'
  expect(await run(line)).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('give one of them') })
})

test('goes back to what was for everyone, and not to what only waits, is tried or was stopped', async () => {
  const { run, json, publish, second } = await createStaged()
  await publish('1.2.0', '--start-at', '2099-01-31T12:00:00Z')
  const { rolloutId } = await publish('1.3.0')
  await json(`rollouts pause ${rolloutId} --yes`)
  await publish('1.4.0', '--rollout', '5')
  const last = await publish('1.5.0')
  const dry = await run(`updates rollback ${last.releaseId} --dry-run`)
  expect([dry.exitCode, dry.stderr]).toEqual([0, expect.stringContaining('back to 1.1.0.')])
  // What was gone back from is not gone back to.
  await json(`updates rollback ${last.releaseId} --platform android --yes --to 1.1.0`)
  const again = await run(`updates rollback ${second.releaseId} --dry-run`)
  expect([again.exitCode, again.stderr]).toEqual([0, expect.stringContaining('back to 1.0.0.')])
})
