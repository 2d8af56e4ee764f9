import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createManagementClient } from '@hotpatch/api'
import { publishForm } from '@hotpatch/testkit'
import { makeDirectory, removeDirectory, startHotPatch, type RunningServer } from '../sandbox.ts'
import type { ClientProtocol } from './client-protocol.ts'
import { compileCacheIn, type Contender } from './contender.ts'
import { openPostgres } from './databases.ts'
import { BINARY_RANGE } from './releases.ts'

const APP = 'bench'
const CHANNEL = 'production'

/** Where its app is for a client: made on a server that has the app. */
export type PlaceOf = (api: ReturnType<typeof createManagementClient>, app: string) => Promise<string>

export async function hotPatchOnSqlite(protocol: ClientProtocol, placeOf: PlaceOf): Promise<Contender> {
  return createContender('HotPatch on SQLite', protocol, placeOf, {
    env: {},
    databases: [],
    end: async () => undefined,
  })
}

/** @throws NotHere */
export async function hotPatchOnPostgres(protocol: ClientProtocol, placeOf: PlaceOf): Promise<Contender> {
  const { url, pid, stop } = await openPostgres()
  const database = { env: { DATABASE_URL: url }, databases: [pid], end: stop }
  return createContender('HotPatch on PostgreSQL', protocol, placeOf, database)
}

async function createContender(
  name: string,
  protocol: ClientProtocol,
  placeOf: PlaceOf,
  { env, databases, end }: { env: Record<string, string>; databases: readonly number[]; end(): Promise<void> },
): Promise<Contender> {
  const directory = makeDirectory()
  const data = join(directory, 'data')
  const start = () => startHotPatch(data, { ...compileCacheIn(directory), ...env })
  const first = await start()
  const place = await publish(first, data, protocol, placeOf)
  await first.stop()
  return {
    name,
    place,
    databases,
    start,
    async end() {
      await end()
      removeDirectory(directory)
    },
  }
}

async function publish({ url }: RunningServer, directory: string, { releases }: ClientProtocol, placeOf: PlaceOf) {
  const token = (await readFile(join(directory, 'owner-token'), 'utf8')).trim()
  const api = createManagementClient({ url, token })
  await api.createApp({ slug: APP, platforms: ['android'], checkAccess: 'open' })
  for (const { version, notes, zip } of releases) {
    const metadata = { platform: 'android', channel: CHANNEL, version, notes, nativeRange: BINARY_RANGE }
    const response = await fetch(`${url}/manage/v1/apps/${APP}/releases`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
      body: publishForm(metadata, zip),
    })
    if (response.status !== 201) throw new Error(`${version} was not published: ${await response.text()}`)
  }
  return placeOf(api, APP)
}
