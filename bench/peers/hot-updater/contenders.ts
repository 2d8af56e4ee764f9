import { copyFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ClientProtocol } from '../client-protocol.ts'
import { startPeer, type Contender } from '../contender.ts'
import { openPostgres } from '../databases.ts'
import { installPackages } from '../install-packages.ts'
import { BINARY_RANGE, sha256Of } from '../releases.ts'
import { makeDirectory, removeDirectory } from '../../sandbox.ts'
import { CHANNEL, manifestTextOf } from './protocol.ts'

const VERSION = '0.36.3'
const PACKAGES = {
  '@hot-updater/server': VERSION,
  '@hot-updater/plugin-core': VERSION,
  '@hono/node-server': '2.1.9',
  hono: '4.13.19',
  kysely: '0.29.9',
  pg: '8.23.1',
}
const PROGRAM = 'server.mjs'
const SERVER = fileURLToPath(new URL(PROGRAM, import.meta.url))

/** @throws NotHere */
export async function hotUpdaterInMemory(protocol: ClientProtocol): Promise<Contender> {
  return createContender(protocol, `hot-updater ${VERSION} in memory`, {}, [], async () => undefined)
}

/** @throws NotHere */
export async function hotUpdaterOnPostgres(protocol: ClientProtocol): Promise<Contender> {
  const postgres = await openPostgres()
  const name = `hot-updater ${VERSION} on PostgreSQL`
  const contender = await createContender(protocol, name, { postgresUrl: postgres.url }, [postgres.pid], postgres.stop)
  // Which makes its tables, and publishes.
  await (await contender.start()).stop()
  return contender
}

async function createContender(
  { releases }: ClientProtocol,
  name: string,
  settings: { postgresUrl?: string },
  databases: readonly number[],
  end: () => Promise<void>,
): Promise<Contender> {
  const folder = await installPackages('hot-updater', PACKAGES)
  await copyFile(SERVER, join(folder, PROGRAM))
  const directory = makeDirectory()
  const file = join(directory, 'settings.json')
  let isFirst = true
  return {
    name,
    place: '/hot-updater',
    databases,
    async start() {
      const all = { ...settings, isFirst, bundles: releases.map(bundleOf), manifests: manifestsOf(releases) }
      await writeFile(file, JSON.stringify(all), { mode: 0o600 })
      isFirst = false
      return startPeer(directory, [join(folder, PROGRAM), file])
    },
    async end() {
      await end()
      removeDirectory(directory)
    },
  }
}

type Release = ClientProtocol['releases'][number]

const manifestUri = ({ buildId }: Release) => `memory://bundles/${buildId}/manifest.json`

function manifestsOf(releases: readonly Release[]): Record<string, string> {
  return Object.fromEntries(releases.map((release) => [manifestUri(release), manifestTextOf(release)]))
}

/** What its tool registers at a publish. */
function bundleOf(release: Release) {
  const { buildId, notes, zip } = release
  return {
    id: buildId,
    platform: 'android',
    channel: CHANNEL,
    enabled: true,
    shouldForceUpdate: false,
    message: notes,
    gitCommitHash: null,
    fingerprintHash: null,
    targetAppVersion: BINARY_RANGE,
    fileHash: sha256Of(zip),
    storageUri: `memory://bundles/${buildId}/bundle.zip`,
    manifestStorageUri: manifestUri(release),
    manifestFileHash: sha256Of(manifestTextOf(release)),
    assetBaseStorageUri: 'memory://assets',
    rolloutCohortCount: 1_000,
    targetCohorts: null,
    patches: [],
  }
}
