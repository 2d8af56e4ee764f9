import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { App } from '@hotpatch/api'
import {
  bundleOf,
  entryOf,
  publishForm,
  runCliProcess,
  startServerProcess,
  temporaryDirectory,
  type ServerProcess,
} from '@hotpatch/testkit'
import { expect, onTestFinished, test } from 'vitest'

async function start(directory: string): Promise<ServerProcess> {
  const server = await startServerProcess({ directory })
  onTestFinished(() => void server.stop('SIGKILL').catch(() => undefined))
  return server
}

/** `hotpatch` as an operator types it where the data is: it finds the server's program on PATH. */
async function anOperator() {
  const home = await temporaryDirectory()
  const main = entryOf('server')
  const program = join(home, 'hotpatch-server')
  await writeFile(program, `#!/bin/sh\nexec '${process.execPath}' '${main}' "$@"\n`, { mode: 0o755 })
  await symlink(process.execPath, join(home, 'node'))
  return (line: string, HOTPATCH_DATA: string) =>
    runCliProcess(line.split(' '), {
      cwd: home,
      env: { HOME: home, HOTPATCH_DATA, PATH: `${home}:${dirname('/usr/bin/env')}` },
    })
}

async function publish(server: ServerProcess, version: string) {
  const form = publishForm({ platform: 'android', version }, await bundleOf(version), {})
  const headers = { authorization: `Bearer ${server.ownerToken}` }
  const published = await fetch(`${server.url}/manage/v1/apps/shop/releases`, { method: 'POST', headers, body: form })
  expect(published.status).toBe(201)
}

function createApp(server: ServerProcess, slug: string) {
  const headers = { authorization: `Bearer ${server.ownerToken}`, 'content-type': 'application/json' }
  return fetch(`${server.url}/manage/v1/apps`, { method: 'POST', headers, body: JSON.stringify({ slug }) })
}

/** What a device is offered, and the bytes that it gets. */
async function checkAndDownload(server: ServerProcess, app: App) {
  const query = new URLSearchParams({ deviceId: 'phone-1', platform: 'android', version: '1.0.0' })
  const answer = await fetch(`${server.url}/update/check?${query}`, { headers: { 'x-app-key': app.appKey ?? '' } })
  const offer = (await answer.json()) as { version: string; bundleUrl: string }
  const download = await fetch(new URL(new URL(offer.bundleUrl).pathname, server.url))
  return { version: offer.version, status: download.status, bytes: Buffer.from(await download.arrayBuffer()) }
}

function rowsOf(file: string): Record<string, unknown[]> {
  const db = new DatabaseSync(file, { readOnly: true })
  const tables = db.prepare("select name from sqlite_master where type = 'table'").all() as { name: string }[]
  const rows = tables.map(({ name }): [string, unknown[]] => [name, db.prepare(`select * from "${name}"`).all()])
  db.close()
  return Object.fromEntries(rows)
}

test('a backup of a server that writes is restored into an empty folder, where another goes on', async () => {
  const hotpatch = await anOperator()
  const root = await temporaryDirectory()
  const server = await start(join(root, 'data'))
  const app = (await (await createApp(server, 'shop')).json()) as App
  for (const version of ['1.0.0', '1.1.0']) await publish(server, version)
  const offered = await checkAndDownload(server, app)
  expect([offered.version, offered.status]).toEqual(['1.1.0', 200])

  // Rows come all the time while the copy is made.
  const writes = new AbortController()
  const statuses: number[] = []
  const writing = (async () => {
    for (let count = 0; !writes.signal.aborted; count++) statuses.push((await createApp(server, `app-${count}`)).status)
  })()
  await expect.poll(() => statuses.length).toBeGreaterThan(0)
  const made = await hotpatch(`backup --to ${root}/monday`, server.directory)
  writes.abort()
  await writing
  expect(made).toMatchObject({ code: 0, stderr: '' })
  expect(made.stdout).toMatch(/monday: hotpatch\.db, jwt-secret, device-id-secret, secrets-key, \d+ artifacts \(.+\)\n/)
  expect(new Set(statuses)).toEqual(new Set([201]))
  await server.stop()

  const other = join(root, 'other')
  await mkdir(other)
  expect(await hotpatch(`restore --from ${root}/monday`, other)).toMatchObject({ code: 0, stderr: '' })
  expect(rowsOf(join(other, 'hotpatch.db'))).toEqual(rowsOf(join(root, 'monday/hotpatch.db')))
  expect(await readdir(join(other, 'artifacts'))).toEqual(await readdir(join(root, 'monday/artifacts')))
  const refused = await hotpatch(`restore --from ${root}/monday`, other)
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('is not empty') })

  const restored = await start(other)
  expect(await checkAndDownload(restored, app)).toEqual(offered)
  // Sealed rows are read, and the token works: both take the secrets that came along.
  const shown = await fetch(`${restored.url}/manage/v1/apps/shop`, {
    headers: { authorization: `Bearer ${server.ownerToken}` },
  })
  expect(await shown.json()).toMatchObject({ slug: 'shop', appKey: app.appKey })
  expect(await restored.stop()).toBe(0)
})
