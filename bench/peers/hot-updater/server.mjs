// Runs in the folder into which hot-updater's packages were installed: what they publish, put together as its documentation
// does for a server of one's own. What it serves is named by a file: node server.mjs settings.json
import { readFile } from 'node:fs/promises'
import { serve } from '@hono/node-server'
import { createRuntimeStoragePlugin, createDatabasePlugin } from '@hot-updater/plugin-core'
import { filterCompatibleAppVersions, resolveUpdateInfoFromBundles } from '@hot-updater/plugin-core'
import { createHotUpdater } from '@hot-updater/server'
import { kyselyAdapter } from '@hot-updater/server/adapters/kysely'
import { createMigrator } from '@hot-updater/server/db'
import { Hono } from 'hono'
import { Kysely, PostgresDialect, sql } from 'kysely'
import pg from 'pg'

const { bundles, manifests, postgresUrl, isFirst } = JSON.parse(await readFile(process.argv[2] ?? '', 'utf8'))

/** Bytes are elsewhere; manifests are in memory, which no storage of its own is faster than. */
const storage = createRuntimeStoragePlugin({
  name: 'memory',
  supportedProtocol: 'memory',
  factory: () => ({
    getDownloadUrl: async (uri) => ({ fileUrl: uri.replace('memory://', 'http://127.0.0.1/files/') }),
    readText: async (uri) => manifests[uri] ?? null,
  }),
})()

/** What the adapters for databases do, over a list in memory: the same functions of its own choose. */
const inMemory = createDatabasePlugin({
  name: 'memory',
  factory: () => {
    const newestFirst = bundles.toSorted((a, b) => (a.id < b.id ? 1 : -1))
    const byId = new Map(bundles.map((bundle) => [bundle.id, bundle]))
    return {
      getBundleById: async (id) => byId.get(id) ?? null,
      getBundles: async () => ({ data: newestFirst, pagination: { total: newestFirst.length, hasNextPage: false } }),
      getChannels: async () => [...new Set(bundles.map(({ channel }) => channel))],
      commitBundle: async () => {},
      async getUpdateInfo(args, context) {
        const { platform, channel = 'production', minBundleId, appVersion } = args
        const placed = newestFirst.filter(
          (bundle) =>
            bundle.enabled && bundle.platform === platform && bundle.channel === channel && bundle.id >= minBundleId,
        )
        const ranges = [...new Set(placed.map(({ targetAppVersion }) => targetAppVersion))]
        const fitting = new Set(filterCompatibleAppVersions(ranges, appVersion))
        const candidates = placed.filter(({ targetAppVersion }) => fitting.has(targetAppVersion))
        return resolveUpdateInfoFromBundles({ args: { ...args, channel }, bundles: candidates, context })
      },
    }
  },
})({})

const pool = postgresUrl && new pg.Pool({ connectionString: postgresUrl })
const db = pool && new Kysely({ dialect: new PostgresDialect({ pool }) })
const hotUpdater = createHotUpdater({
  database: db ? kyselyAdapter({ db, provider: 'postgresql' }) : inMemory,
  storages: [storage],
  basePath: '/hot-updater',
})

if (db && isFirst) {
  const migration = await createMigrator(hotUpdater).migrateToLatest()
  await migration.execute()
  for (const bundle of bundles) await hotUpdater.insertBundle(bundle)
  await sql`vacuum analyze`.execute(db)
}

const app = new Hono()
app.on(['GET', 'POST', 'PATCH', 'DELETE'], '/hot-updater/*', (context) => hotUpdater.handler(context.req.raw))
serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }, ({ port }) => {
  process.stdout.write(`listens on http://127.0.0.1:${port}\n`)
})
