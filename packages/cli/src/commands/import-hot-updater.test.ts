import { createHash, generateKeyPairSync } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Writable } from 'node:stream'
import type { Page, Release, Rollout } from '@hotpatch/api'
import { expect, onTestFinished, test } from 'vitest'
import { bundleIdOf, hotUpdaterBucket, hotUpdaterBundle, type SourceBundle } from '../testing/hot-updater-source.ts'
import { createTool } from '../testing/run-tool.ts'
import { useServer } from '../testing/server-suite.ts'

const server = useServer()
const MIN = '019b76da-a800-7000-8000-000000000000'
/** The SHA-256 of "ustar". */
const USTAR = createHash('sha256').update('ustar').digest('hex')
let count = 0

async function createImporter(bundles: readonly SourceBundle[]) {
  const tool = await createTool({ HOTPATCH_URL: server.url(), HOTPATCH_TOKEN: server.ownerToken() })
  count += 1
  const slug = `hot-${count}`
  await tool.write(await hotUpdaterBucket(bundles))
  const rollouts = async () => (await tool.json<Page<Rollout>>(`rollouts list --app ${slug}`)).items
  const placed = async () => (await rollouts()).map(({ version, state, percentage }) => [version, state, percentage])
  async function check(
    runs: string,
    { cohort = '1', channel = 'production', path = 'app-version/android/1.2.0' } = {},
  ) {
    const url = `${server.url()}/hot-updater/${slug}/${path}/${channel}/${MIN}/${runs}/${cohort}`
    const answer = await fetch(url, { headers: { 'hot-updater-sdk-version': '0.36.3' } })
    return answer.status === 200 ? ((await answer.json()) as Record<string, string>) : { status: answer.status }
  }
  return { ...tool, slug, line: `import hot-updater --from bucket --app ${slug}`, rollouts, placed, check }
}

test('a bucket with its rows becomes releases, in order, which its clients get; again nothing changes', async () => {
  const tool = await createImporter([
    { number: 1, text: 'first', row: { shouldForceUpdate: true } },
    { number: 2, text: 'second', row: { rolloutCohortCount: 250, targetCohorts: ['qa', '17'] } },
    { number: 3, text: 'bad', row: { enabled: false } },
    { number: 4, text: 'apple', platform: 'ios', row: { targetAppVersion: null, fingerprintHash: 'f1f2' } },
    { number: 5, text: 'trial', channel: 'early' },
    // Built before there was a list of files.
    { number: 6, text: 'old', channel: 'old', isOld: true },
  ])
  const shown = await tool.run(`${tool.line} --dry-run`)
  expect(shown.exitCode).toBe(0)
  for (const text of [
    `The app ${tool.slug} is made, for android and ios.`,
    'The channel early is made.',
    `${bundleIdOf(1)} for android onto production, binaries 1.x, mandatory.`,
    `${bundleIdOf(2)} for android onto production, binaries 1.x, 25 %, cohorts qa.`,
    `${bundleIdOf(3)} for android onto production, binaries 1.x, halted, as it is disabled there.`,
    `${bundleIdOf(4)} for ios onto production, binaries f1f2.`,
    'is for the numbered cohorts 17 besides',
  ]) {
    expect(shown.stderr).toContain(text)
  }
  expect(await tool.run(`apps show ${tool.slug}`)).toMatchObject({ exitCode: 1 })
  expect(await tool.json(`${tool.line} --yes`)).toMatchObject({ already: 0, leftOut: [], imported: { length: 6 } })
  expect((await tool.placed()).filter(([, state]) => state !== 'active')).toEqual([[bundleIdOf(3), 'halted', 100]])

  expect(await tool.check(MIN)).toMatchObject({ status: 'UPDATE', shouldForceUpdate: true, message: 'The first' })
  expect(await tool.check(MIN, { cohort: 'qa' })).toMatchObject({ id: bundleIdOf(2) })
  expect(await tool.check(bundleIdOf(3), { cohort: 'qa' })).toMatchObject({ id: bundleIdOf(2), status: 'ROLLBACK' })
  const fingerprint = await tool.check(MIN, { path: 'fingerprint/ios/f1f2' })
  expect(fingerprint).toMatchObject({ id: bundleIdOf(4) })
  expect(await tool.check(MIN, { channel: 'early' })).toMatchObject({ id: bundleIdOf(5) })
  const old = await tool.check(MIN, { channel: 'old' })
  expect(old).toMatchObject({ id: bundleIdOf(6), fileHash: expect.stringMatching(/^[0-9a-f]{64}$/) })

  const before = await tool.placed()
  const again = await tool.run(`${tool.line} --yes`)
  expect([again.exitCode, await tool.placed()]).toEqual([0, before])
  const [halted] = (await tool.rollouts()).filter(({ version }) => version === bundleIdOf(1))
  await tool.json(`rollouts halt ${halted?.id} --app ${tool.slug} --yes`)
  await tool.write(await hotUpdaterBucket([{ number: 7, text: 'seventh' }], 'bucket2'))
  await tool.write(await hotUpdaterBucket([{ number: 0, text: 'older than all' }], 'bucket3'))
  expect(await tool.json(`import hot-updater --from bucket2 --app ${tool.slug} --yes`)).toMatchObject({ already: 0 })
  expect(await tool.check(bundleIdOf(3))).toMatchObject({ id: bundleIdOf(7), status: 'UPDATE' })
  const below = await tool.run(`import hot-updater --from bucket3 --app ${tool.slug} --yes`)
  expect([below.exitCode, below.stderr]).toEqual([1, expect.stringContaining('which is newer, is on production')])
})

test('what was broken off goes on where it was, and nobody is answered before it is whole', async () => {
  const tool = await createImporter([
    { number: 1, text: 'one' },
    { number: 2, text: 'two' },
  ])
  const stop = new AbortController()
  const stderr = new Writable({
    write(chunk: Buffer, _encoding, done) {
      if (chunk.toString().includes(': 1 of 2.')) stop.abort()
      done()
    },
  })
  expect((await tool.run(`${tool.line} --yes`, { stderr, signal: stop.signal })).exitCode).not.toBe(0)
  expect(await tool.placed()).toEqual([[bundleIdOf(1), 'active', 100]])
  expect(await tool.check(MIN)).toEqual({ status: 401 })
  const done = await tool.run(`${tool.line} --yes`)
  expect([done.exitCode, done.stderr]).toEqual([0, expect.stringContaining('apps set')])
  expect((await tool.placed()).map(([version]) => version)).toEqual([bundleIdOf(2), bundleIdOf(1)])
})

test('signed bundles come with their signatures, by the key that the app has', async () => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  const tool = await createImporter([{ number: 1, text: 'signed', key }])
  await tool.json(`apps create ${tool.slug} --platforms android --bucketing original --check-access open --yes`)
  const without = await tool.run(`${tool.line} --yes`)
  expect([without.exitCode, without.stderr]).toEqual([1, expect.stringContaining('the app here has no RSA key')])
  expect(await tool.placed()).toEqual([])
  await tool.write({ 'public.pem': publicKey.export({ type: 'spki', format: 'pem' }).toString() })
  await tool.json(`keys add --rsa public.pem --name hot-updater --app ${tool.slug} --yes`)
  expect(await tool.json(`${tool.line} --yes`)).toMatchObject({ imported: [{ id: bundleIdOf(1) }] })
  expect(await tool.placed()).toEqual([[bundleIdOf(1), 'active', 100]])
  const { row } = await hotUpdaterBundle({ number: 1, text: 'signed', key })
  expect(await tool.check(MIN)).toMatchObject({ fileHash: row.fileHash })
  const { items } = await tool.json<Page<Release>>(`releases list --app ${tool.slug}`)
  expect(items[0]?.signatures).toHaveLength(2)
})

test('a table’s rows will do, and what is wrong is named and stops its place', async () => {
  const tool = await createImporter([])
  const one = await hotUpdaterBundle({ number: 1, text: 'one', row: { fileHash: 'a'.repeat(64) } })
  const two = await hotUpdaterBundle({ number: 2, text: 'two' })
  const inSnakeCase = (row: Record<string, unknown>) =>
    Object.fromEntries(Object.entries(row).map(([name, value]) => [name.replace(/[A-Z]/g, '_$&').toLowerCase(), value]))
  const sqlite = { enabled: 1, shouldForceUpdate: 0, targetCohorts: '["qa"]' }
  const lies = [
    { storageUri: 's3://ota/../../etc/passwd' },
    { storageUri: 'file:///etc/passwd' },
    { storageUri: 'http://192.0.2.1/bundle.zip' },
    { targetAppVersion: 'soon' },
    { platform: 'web' },
    { id: '../../x' },
    { channel: 'No Channel' },
    { rolloutCohortCount: 2000 },
  ].map((lie, index) => ({ ...two.row, id: bundleIdOf(10 + index), channel: 'lies', ...lie }))
  const tar = { ...two.row, id: bundleIdOf(20), channel: 'tars', storageUri: 's3://ota/tar', fileHash: USTAR }
  const rows = [{ ...one.row, ...sqlite }, { ...two.row, ...sqlite }, ...lies, tar].map(inSnakeCase)
  await tool.write({ 'bucket/ota/tar': 'ustar' })
  await tool.write({ 'bucket/bundles.json': JSON.stringify([{ results: rows }]) })
  const { stderr, exitCode } = await tool.run(`${tool.line} --yes`)
  expect(exitCode).toBe(1)
  expect(stderr).toContain('cannot be fetched')
  expect(stderr).toContain('it is no zip but a tar')
  expect(stderr).toContain('no channel here can be called "No Channel"')
  for (const reason of ['android or ios', 'a range of versions', 'a UUID in lower case', 'at most 1000']) {
    expect(stderr).toContain(reason)
  }
  expect(await tool.placed()).toEqual([])
})

test('bytes that differ stop what comes after, until somebody says otherwise', async () => {
  const tool = await createImporter([
    { number: 1, text: 'one', row: { fileHash: 'a'.repeat(64) } },
    { number: 2, text: 'two' },
  ])
  const told = await tool.run(`${tool.line} --yes`)
  expect([told.exitCode, told.stderr]).toEqual([1, expect.stringContaining(`SHA-256 ${'a'.repeat(64)}`)])
  expect(await tool.placed()).toEqual([])
  expect(await tool.json(`${tool.line} --yes --leave-out`)).toMatchObject({ imported: [{ id: bundleIdOf(2) }] })
})

test('a server is asked page by page, and told its token only', async () => {
  const tool = await createImporter([])
  const all = await Promise.all([1, 2, 3].map((number) => hotUpdaterBundle({ number, text: `bundle ${number}` })))
  const asked: (string | undefined)[] = []
  const source = createServer((request, response) => {
    asked.push(request.headers.authorization)
    const url = new URL(request.url ?? '', 'http://x')
    const zip = all.find(({ key }) => url.pathname === `/files/${key}`)?.zip
    if (zip) return void response.end(zip)
    if (request.headers.authorization !== 'Bearer a-token-of-theirs') return void response.writeHead(401).end()
    const after = url.searchParams.get('after') ?? '~'
    const rows = all
      .map(({ row, key }) => ({ ...row, storageUri: `http://127.0.0.1:${port}/files/${key}` }))
      .toReversed()
    const data = rows.filter((row) => String((row as { id?: unknown }).id) < after).slice(0, 1)
    const hasNextPage = String((data[0] as { id?: unknown } | undefined)?.id) !== bundleIdOf(1)
    response.end(JSON.stringify({ data, pagination: { total: 3, hasNextPage } }))
  })
  await new Promise<void>((resolve) => void source.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void source.close())
  const { port } = source.address() as AddressInfo
  const line = `import hot-updater --from http://127.0.0.1:${port}/hot-updater --app ${tool.slug}`
  const refused = await tool.run(`${line} --dry-run`)
  expect(refused.stderr).toContain('answers 401')
  const env = { ...tool.env, HOTPATCH_SOURCE_TOKEN: 'a-token-of-theirs' }
  asked.length = 0
  const { exitCode } = await tool.run(`${line} --yes`, { env })
  expect([exitCode, await tool.placed()]).toMatchObject([0, { length: 3 }])
  expect(asked.filter((each) => each === undefined)).toHaveLength(3)
})
