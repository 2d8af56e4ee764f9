import { once } from 'node:events'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { startServerProcess, temporaryDirectory } from '@hotpatch/testkit'
import { expect, onTestFinished, test } from 'vitest'

/** A start that fails says what to do, without a stack and without a secret. */
async function expectRefusal(directory: string, env: Record<string, string>, ...texts: string[]): Promise<void> {
  const output = await startServerProcess({ directory, env }).then(
    () => 'it started',
    (error: Error) => error.message,
  )
  expect(output).toContain('HotPatch did not start.')
  for (const text of texts) expect(output).toContain(text)
  expect(output).not.toMatch(/\n\s+at |opensesame|neither started nor ended/)
}

test('a port that is taken', async () => {
  const other = createServer().listen(0, '127.0.0.1')
  onTestFinished(() => void other.close())
  await once(other, 'listening')
  const { port } = other.address() as AddressInfo
  await expectRefusal(await temporaryDirectory(), { PORT: String(port) }, 'Set PORT')
})

test('a data folder that is a file', async () => {
  const file = join(await temporaryDirectory(), 'file')
  await writeFile(file, '')
  await expectRefusal(file, {}, 'HOTPATCH_DATA must be a folder')
})

test('a database that does not answer', async () => {
  const env = { DATABASE_URL: 'postgres://hotpatch:opensesame@127.0.0.1:1/hotpatch' }
  await expectRefusal(await temporaryDirectory(), env, 'Look at DATABASE_URL')
})

test('every mistake in the environment, at once', async () => {
  const env = { PORT: 'abc', JWT_SECRET: 'opensesame', DATABASE_URL: 'mysql://hotpatch:opensesame@127.0.0.1/hotpatch' }
  const expected = ['PORT: expected', 'JWT_SECRET: expected', 'DATABASE_URL: expected']
  await expectRefusal(await temporaryDirectory(), env, ...expected)
})

test('a database that a newer server has migrated', async () => {
  const directory = await temporaryDirectory()
  const server = await startServerProcess({ directory })
  await server.stop()
  const database = new DatabaseSync(join(directory, 'hotpatch.db'))
  database.exec("insert into kysely_migration (name, timestamp) values ('9999-future', '2030-01-01')")
  database.close()
  await expectRefusal(directory, {}, 'The database has the schema "9999-future"')
})

test('the first start says where the owner token is, and only its owner can read it', async () => {
  const directory = await temporaryDirectory()
  const file = join(directory, 'owner-token')
  const first = await startServerProcess({ directory })
  await first.stop()
  const second = await startServerProcess({ directory })
  expect(await second.stop()).toBe(0)
  expect(first.output()).toContain(file)
  expect(second.output()).not.toContain(file)
  for (const { output } of [first, second]) expect(output()).not.toContain(first.ownerToken)
  expect((await stat(file)).mode & 0o777).toBe(0o600)
})

test('every start says where to become the owner, until there is one; logs say only where the link is', async () => {
  const directory = await temporaryDirectory()
  const file = join(directory, 'first-owner-link')
  const logging = await startServerProcess({ directory })
  const first = (await readFile(file, 'utf8')).trim()
  await logging.stop()
  expect(logging.output()).toContain(file)
  expect(logging.output()).not.toContain(new URL(first).hash.slice(1))
  expect((await stat(file)).mode & 0o777).toBe(0o600)

  const env = { HOTPATCH_LOG_FORMAT: 'text', NO_COLOR: '1' }
  const speaking = await startServerProcess({ directory, env })
  const link = /http\S+\/dashboard\/welcome#\S+/.exec(speaking.output())?.[0] ?? ''
  expect(link).not.toBe(first)
  expect((await readFile(file, 'utf8')).trim()).toBe(link)
  const response = await fetch(`${speaking.url}/manage/v1/one-time-links/use`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: speaking.url },
    body: JSON.stringify({
      secret: new URL(link).hash.slice(1),
      email: 'olga@example.com',
      name: 'Olga',
      password: 'correct horse battery',
    }),
  })
  expect([response.status, await response.json()]).toEqual([200, { done: true }])
  const headers = {
    cookie: response.headers
      .getSetCookie()
      .map((cookie) => cookie.split(';')[0])
      .join('; '),
  }
  const whoami = await fetch(`${speaking.url}/manage/v1/whoami`, { headers })
  expect(await whoami.json()).toMatchObject({ kind: 'person', name: 'Olga', role: 'owner' })
  await speaking.stop()

  const third = await startServerProcess({ directory, env })
  // A session outlives a restart.
  expect((await fetch(`${third.url}/manage/v1/whoami`, { headers })).status).toBe(200)
  await third.stop()
  expect(third.output()).not.toContain('welcome#')
  await expect(stat(file)).rejects.toThrow('ENOENT')
})

test('where words are asked for, the start and the log are words', async () => {
  const directory = await temporaryDirectory()
  const server = await startServerProcess({ directory, env: { HOTPATCH_LOG_FORMAT: 'text', NO_COLOR: '1' } })
  await fetch(`${server.url}/manage/v1/whoami`)
  await server.stop()
  const said = server.output()
  expect(said).toContain(`--token-stdin < ${join(directory, 'owner-token')}`)
  expect(said).toMatch(/^\d\d:\d\d:\d\d GET \/manage\/v1\/whoami 401 in \d+ ms$/m)
  expect(said).not.toMatch(/^\{|hpt_/m)
})
