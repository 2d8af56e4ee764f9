import { cp, mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { App, PublishedRelease } from '@hotpatch/api'
import {
  eventually,
  runCliProcess,
  startServerProcess,
  temporaryDirectory,
  type ServerProcess,
} from '@hotpatch/testkit'
import { expect, onTestFinished, test } from 'vitest'

/** The guide "Restoring a backup", word for word, with processes as people run them. */
test('a server from an older backup goes on above what phones have confirmed', async () => {
  const root = await temporaryDirectory()
  const [data, backup, home, project] = ['data', 'backup', 'home', 'project'].map((name) => join(root, name)) as [
    string,
    string,
    string,
    string,
  ]
  for (const folder of [data, home, join(project, 'dist')]) await mkdir(folder, { recursive: true })
  await writeFile(join(project, 'dist', 'index.android.bundle'), 'var version = 1')
  let server = await start(data)
  const token = server.ownerToken

  async function run(line: string) {
    const env = { HOME: home, HOTPATCH_URL: server.url, HOTPATCH_TOKEN: token }
    return runCliProcess(line.split(' '), { cwd: project, env })
  }
  async function json<T>(line: string): Promise<T> {
    const { code, stdout, stderr } = await run(`${line} --json`)
    expect([code, stderr]).toEqual([0, expect.anything()])
    return JSON.parse(stdout) as T
  }
  const publish = (version: string) =>
    json<PublishedRelease>(`release --platform android --bundle-dir dist --version ${version} --yes`)

  const app = await json<App>('apps create my-app --platforms android --device-ids as-given --yes')
  const { fingerprint } = await json<{ fingerprint: string }>('keys generate')
  async function check(deviceId: string, runs: PublishedRelease, highestSequence: number) {
    const release = { version: runs.version, releaseId: runs.releaseId }
    const trust = { highestSequence, trustedKeys: [fingerprint] }
    const body = { appId: app.id, deviceId, platform: 'android', channel: 'production', ...release, ...trust }
    const headers = { 'content-type': 'application/json', 'x-app-key': app.appKey }
    const answer = await fetch(`${server.url}/update/check`, { method: 'POST', headers, body: JSON.stringify(body) })
    return (await answer.json()) as { updateAvailable: boolean; version?: string }
  }
  const phones = ['phone-1', 'phone-2', 'phone-3']

  const first = await publish('1.0.0')
  for (const phone of phones) await check(phone, first, 1)
  await server.stop()
  await cp(data, backup, { recursive: true })

  server = await start(data, new URL(server.url).port)
  await publish('1.1.0')
  const newest = await publish('1.2.0')
  for (const phone of phones) expect(await check(phone, newest, 3)).toMatchObject({ updateAvailable: false })
  await server.stop()

  await rm(data, { recursive: true })
  await cp(backup, data, { recursive: true })
  makeOlder(join(data, 'hotpatch.db'))
  server = await start(data, new URL(server.url).port)
  // They keep what they have: it is not taken back, and nothing older is offered.
  for (const phone of phones) expect(await check(phone, newest, 3)).toMatchObject({ updateAvailable: false })
  await eventually(async () => {
    const { stdout } = await run('doctor --app my-app')
    expect(stdout).toMatch(/^! sequence-android: 3 devices have confirmed up to 3, and the server knows of 1 only/m)
    expect(stdout).toContain('hotpatch apps set my-app --platform android --next-sequence 4')
  })
  const why = await run('why phone-1 --app my-app')
  expect(why.stdout).toMatch(
    new RegExp(`^runs +a release that the server does not know on this channel \\(${newest.releaseId}\\)$`, 'm'),
  )
  const set = await run('apps set my-app --platform android --next-sequence 4 --yes')
  expect(set.stderr).toMatch(/^android: 1 was taken last; devices have confirmed up to 3\.$/m)
  const { stdout } = await run('doctor --app my-app')
  expect(stdout).toMatch(/^✓ sequence-android: No device has seen more/m)
  expect(await publish('1.4.1')).toMatchObject({ sequence: 4 })
  for (const phone of phones) {
    expect(await check(phone, newest, 3)).toMatchObject({ updateAvailable: true, version: '1.4.1' })
  }
})

/** At the same address as before: the tool knows its server by it. */
async function start(directory: string, port = '0'): Promise<ServerProcess> {
  const server = await startServerProcess({ directory, env: { PORT: port } })
  onTestFinished(() => void server.stop('SIGKILL').catch(() => undefined))
  return server
}

/** As if the backup were of the day before yesterday, when the phones had been there for a while. */
function makeOlder(file: string): void {
  const db = new DatabaseSync(file)
  const twoDays = 2 * 86_400_000
  db.exec(`update device set first_seen_at = first_seen_at - ${twoDays}, first_check_at = first_seen_at - ${twoDays},
    established_at = first_seen_at - ${twoDays}`)
  db.close()
}
