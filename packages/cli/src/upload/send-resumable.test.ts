import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Artifact, PublishedRelease } from '@hotpatch/api'
import { sha256Of } from '@hotpatch/testkit'
import { noise } from '@hotpatch/testkit/archives'
import { expect, test } from 'vitest'
import { RESUMABLE_BYTES } from '../process/context.ts'
import { openCutLine } from '../testing/cut-line.ts'
import { useServer } from '../testing/server-suite.ts'

const MEGABYTE = 1024 ** 2
const server = useServer()
const disk = (megabytes: number) => Buffer.concat([noise(megabytes * MEGABYTE), Buffer.from('koly'), Buffer.alloc(508)])
const line = 'binary publish Shop.dmg --version 1.0.0 --yes --json'.split(' ')

async function publisher(bytes: Buffer) {
  const tool = await server.createPublisher({ platforms: ['macos'] })
  const gateway = await openCutLine(server.url())
  await tool.write({ 'Shop.dmg': bytes })
  const env = { ...tool.env, HOTPATCH_URL: gateway.url }
  const kept = async () => {
    const text = await readFile(join(tool.home, '.rn-ota/uploads.json'), 'utf8')
    return (JSON.parse(text) as { uploads: { id: string }[] }).uploads
  }
  const pause = async () => {}
  const publish = (more = {}) => tool.run(line, { env, resumableBytes: 1, pause, ...more })
  const stored = async () => {
    const path = `/manage/v1/apps/${tool.app.slug}/artifacts/${sha256Of(bytes)}?kind=binary`
    const headers = { authorization: `Bearer ${server.ownerToken()}` }
    return (await (await fetch(server.url() + path, { headers })).json()) as Artifact
  }
  return { ...tool, gateway, kept, publish, stored }
}

test('a file of 33 MiB goes on where the line broke off, twice, and is what it was', async () => {
  const bytes = disk(33)
  const { gateway, kept, publish, stored } = await publisher(bytes)
  gateway.cuts.push(8 * MEGABYTE, 8 * MEGABYTE)
  const { exitCode, stdout, stderr } = await publish({ resumableBytes: RESUMABLE_BYTES })
  expect([exitCode, stderr]).toEqual([0, expect.stringContaining('The server has it now, once.')])
  expect((JSON.parse(stdout) as PublishedRelease).version).toBe('1.0.0')
  const [first, second = 0, third = 0] = gateway.offsets
  expect([gateway.begun.length, gateway.offsets.length, first]).toEqual([1, 3, 0])
  expect(second).toBeGreaterThan(0)
  expect(third).toBeGreaterThan(second)
  expect(await stored()).toMatchObject({ sha256: sha256Of(bytes), sizeBytes: bytes.length })
  expect(await kept()).toEqual([])
})

/** The line breaks until the tool gives up. */
async function brokenOff() {
  const bytes = disk(2)
  const made = await publisher(bytes)
  made.gateway.cuts.push(MEGABYTE, 1, 1, 1, 1, 1)
  const { exitCode, stderr } = await made.publish()
  expect([exitCode, stderr]).toEqual([1, expect.stringContaining('the same command goes on with it')])
  expect(await made.kept()).toHaveLength(1)
  const before = made.gateway.offsets.length
  return { ...made, bytes, since: () => made.gateway.offsets.slice(before) }
}

test('the next command goes on with what the one before has left', async () => {
  const { bytes, publish, gateway, kept, since, stored } = await brokenOff()
  const { exitCode, stderr } = await publish()
  expect([exitCode, stderr]).toEqual([
    0,
    expect.stringMatching(/Going on with Shop\.dmg: \S+ \S+ of \S+ \S+ are there\./),
  ])
  expect([gateway.begun.length, since().length]).toEqual([1, 1])
  expect(since()[0]).toBeGreaterThan(0)
  expect(await stored()).toMatchObject({ sha256: sha256Of(bytes), sizeBytes: bytes.length })
  expect(await kept()).toEqual([])
})

test('a file that was built anew begins anew', async () => {
  const { cwd, publish, gateway, since } = await brokenOff()
  const other = disk(1)
  await writeFile(join(cwd, 'Shop.dmg'), other)
  expect((await publish()).exitCode).toBe(0)
  expect([gateway.begun.length, since()]).toEqual([2, [0]])
})

test('that it cannot be kept stops no upload', async () => {
  const { home, publish, stored } = await publisher(disk(1))
  await mkdir(join(home, '.rn-ota/uploads.json'), { recursive: true })
  expect((await publish()).exitCode).toBe(0)
  expect(await stored()).toMatchObject({ format: 'dmg' })
})

test.each<[string, (text: string) => string]>([
  ['an upload that the server does not have', (text) => text.replace(/"id": "[^"]+"/, '"id": "gone"')],
  ['what is too old', (text) => text.replace(/"begunAt": \d+/, '"begunAt": 1')],
  ['another server', (text) => text.replace(/"server": "[^"]+"/, '"server": "https://other.test"')],
  ['a way out of its address', (text) => text.replace(/"id": "[^"]+"/, '"id": "../../apps"')],
  ['damage', (text) => text.slice(0, 20)],
  ['too much', (text) => text.replace('[', `[${'{},'.repeat(60)}`)],
])('%s begins anew', async (_what, change) => {
  const { home, publish, gateway, since } = await brokenOff()
  const path = join(home, '.rn-ota/uploads.json')
  await writeFile(path, change(await readFile(path, 'utf8')))
  const { exitCode, stderr } = await publish()
  expect([exitCode, stderr]).toEqual([0, expect.not.stringContaining('Going on')])
  expect([gateway.begun.length, since()]).toEqual([2, [0]])
})
