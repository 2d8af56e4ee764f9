import { randomBytes } from 'node:crypto'
import type { App, AppChanges, GuardDifferences, NewApp, Page, TrustDifferences } from '@hotpatch/api'
import { problem, type Platform } from '@hotpatch/protocol'
import type { AuditService } from '../../people/audit/audit-service.ts'
import { isForSomeApps, type Author } from '../../people/authors/author.ts'
import { appsOf, requireApp, type Actor } from '../../people/authors/actor.ts'
import { timestamp, type Clock } from '../../ground/clock.ts'
import type { Changes } from '../../ground/database/changes.ts'
import { isUniqueViolation } from '../../ground/database/database-errors.ts'
import type { Connection, Database } from '../../ground/database/schema.ts'
import type { DeviceIdentity } from '../../fleet/devices/device-identity.ts'
import { knowsDevices } from '../../fleet/devices/device-queries.ts'
import { differencesOf } from './guard-differences.ts'
import { pageFromRows, type PageRequest } from '../../ground/http/paging.ts'
import { appKeyOwner } from '../../ground/secrets/seal-database.ts'
import type { SecretBox } from '../../ground/secrets/secret-box.ts'
import {
  findApp,
  insertApp,
  listApps,
  listBundleIds,
  lockApp,
  setBundleIds,
  updateApp,
  type AppRow,
} from './app-store.ts'
import { deleteUnusedApp, isUsed } from './delete-app-queries.ts'

const DEFAULT_PLATFORMS: Platform[] = ['android', 'ios']
const DEFAULT_EVENT_RETENTION_DAYS = 90
const DEFAULT_DEVICE_RETENTION_DAYS = 400
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

export type AppService = ReturnType<typeof createAppService>

export function createAppService({
  db,
  audit,
  clock,
  newId,
  box,
  identity,
  createDefaultChannels,
  changes,
  settleFleet,
}: {
  db: Database
  audit: AuditService
  clock: Clock
  newId: () => string
  box: SecretBox
  identity: DeviceIdentity
  createDefaultChannels: (connection: Connection, appId: string) => Promise<void>
  changes: Changes
  /** Writes the devices that are still in memory. */
  settleFleet: () => Promise<void>
}) {
  async function get(idOrSlug: string, connection: Connection = db): Promise<AppRow> {
    const app = await findApp(connection, idOrSlug)
    if (!app) throw problem('app-not-found', `No app has the id or slug "${idOrSlug}".`)
    return app
  }

  /** @throws problem app-not-found, or forbidden when the token is for another app */
  async function resolve(actor: Actor | null, idOrSlug: string): Promise<AppRow> {
    const app = await get(idOrSlug)
    requireApp(actor, app.id)
    return app
  }

  async function create(input: NewApp, author: Author): Promise<App> {
    if (isForSomeApps(author)) throw problem('forbidden', 'Who is for some apps only cannot make others.')
    // Apps are found by id or by slug: a slug in the form of an id could pass for another app.
    if (UUID.test(input.slug)) throw problem('invalid-request', 'slug: expected a name, found something like an id.')
    const id = newId()
    const row: AppRow = {
      id,
      slug: input.slug,
      name: input.name ?? input.slug,
      app_key: await box.seal(appKeyOwner(id), `hpk_${randomBytes(18).toString('base64url')}`),
      platforms: JSON.stringify(input.platforms ?? DEFAULT_PLATFORMS),
      check_access: input.checkAccess ?? 'app-key',
      bucketing: input.bucketing ?? 'per-rollout',
      signing: input.signing ?? 'optional',
      device_ids: input.deviceIds ?? (input.bucketing === 'original' ? 'as-given' : 'hashed'),
      event_retention_days: input.eventRetentionDays ?? DEFAULT_EVENT_RETENTION_DAYS,
      device_retention_days: input.deviceRetentionDays ?? DEFAULT_DEVICE_RETENTION_DAYS,
      archived_retention_days: input.archivedRetentionDays ?? null,
      guard: JSON.stringify(differencesOf(input.guard)),
      trust: JSON.stringify(input.trust ?? {}),
      device_cohorts: input.deviceCohorts ?? 'ignored',
      device_credentials: input.deviceCredentials ?? 'off',
      created_at: clock.now(),
      deleted_at: null,
    }
    requireIdsForBucketing(row)
    await changes.run(async (tx, change) => {
      if (row.device_ids === 'hashed') await identity.claim(tx)
      await insertApp(tx, row).catch((error: unknown) => {
        if (!isUniqueViolation(error)) throw error
        throw problem('app-exists', `There is an app with the slug "${row.slug}".`, {}, { cause: error })
      })
      await createDefaultChannels(tx, row.id)
      const bundleIds = await nameBinaries(tx, row.id, input.bundleIds ?? [])
      change.raiseApps()
      await audit.record(tx, author, {
        action: 'app.created',
        subject: ['app', row.id],
        appId: row.id,
        after: describeApp(row, bundleIds),
      })
    })
    return render(row)
  }

  async function change(app: AppRow, input: AppChanges, author: Author): Promise<App> {
    const { name, platforms, checkAccess, bucketing, signing, deviceIds } = input
    const { eventRetentionDays, deviceRetentionDays, archivedRetentionDays } = input
    const { guard, trust, deviceCohorts, deviceCredentials, bundleIds } = input
    const changed: Partial<AppRow> = {
      ...(name !== undefined && { name }),
      ...(platforms && { platforms: JSON.stringify(platforms) }),
      ...(checkAccess && { check_access: checkAccess }),
      ...(bucketing && { bucketing }),
      ...(signing && { signing }),
      ...(deviceIds && { device_ids: deviceIds }),
      ...(eventRetentionDays !== undefined && { event_retention_days: eventRetentionDays }),
      ...(deviceRetentionDays !== undefined && { device_retention_days: deviceRetentionDays }),
      ...(archivedRetentionDays !== undefined && { archived_retention_days: archivedRetentionDays }),
      ...(guard !== undefined && { guard: JSON.stringify(differencesOf(guard)) }),
      ...(trust !== undefined && { trust: JSON.stringify(trust) }),
      ...(deviceCohorts && { device_cohorts: deviceCohorts }),
      ...(deviceCredentials && { device_credentials: deviceCredentials }),
    }
    if (deviceIds) await settleFleet()
    const after = await changes.run(async (tx, change) => {
      const before = await lockApp(tx, app.id)
      const after = { ...before, ...changed }
      requireIdsForBucketing(after)
      if (after.device_ids !== before.device_ids) await changeDeviceIds(tx, after)
      if (Object.keys(changed).length > 0) await updateApp(tx, app.id, changed)
      const namesBefore = await bundleIdsOf(app.id, tx)
      const names = bundleIds ? await nameBinaries(tx, app.id, bundleIds) : namesBefore
      change.raiseApps()
      await audit.record(tx, author, {
        action: 'app.changed',
        subject: ['app', app.id],
        appId: app.id,
        before: describeApp(before, namesBefore),
        after: describeApp(after, names),
      })
      return after
    })
    return render(after)
  }

  /** One that was made by mistake: with a release or a device it stays. */
  async function remove(app: AppRow, author: Author): Promise<App> {
    if (isForSomeApps(author)) throw problem('forbidden', 'Who is for some apps only cannot delete them.')
    await settleFleet()
    const deleted = await render(app)
    await changes.run(async (tx, change) => {
      await lockApp(tx, app.id)
      if (await isUsed(tx, app.id)) {
        throw problem(
          'app-in-use',
          `"${app.slug}" has releases or devices, and what is built in there still asks for it.`,
        )
      }
      await deleteUnusedApp(tx, app.id, clock.now())
      change.raiseApps()
      await audit.record(tx, author, {
        action: 'app.deleted',
        subject: ['app', app.id],
        appId: app.id,
        before: describeApp(app, deleted.bundleIds),
      })
    })
    return deleted
  }

  async function changeDeviceIds(tx: Connection, app: AppRow): Promise<void> {
    if (await knowsDevices(tx, app.id)) {
      throw problem('app-has-devices', `The devices of "${app.slug}" are known already; their ids cannot change.`)
    }
    if (app.device_ids === 'hashed') await identity.claim(tx)
  }

  async function list(actor: Actor | null, page: PageRequest): Promise<Page<App>> {
    const rows = await listApps(db, appsOf(actor), page)
    const { items, nextCursor } = pageFromRows(rows, page, (row) => row)
    const ids = items.map(({ id }) => id)
    const bundleIds = await listBundleIds(db, ids)
    const rendered = items.map((row) => renderNamed(row, bundleIds.get(row.id) ?? []))
    return { items: await Promise.all(rendered), nextCursor }
  }

  async function render(row: AppRow): Promise<App> {
    return renderNamed(row, await bundleIdsOf(row.id))
  }

  async function renderNamed(row: AppRow, bundleIds: readonly string[]): Promise<App> {
    const { id, slug, name, ...others } = describeApp(row, bundleIds)
    return { id, slug, name, appKey: await box.open(appKeyOwner(id), row.app_key), ...others }
  }

  async function bundleIdsOf(appId: string, connection: Connection = db): Promise<string[]> {
    return (await listBundleIds(connection, [appId])).get(appId) ?? []
  }

  /** @throws problem bundle-id-exists */
  async function nameBinaries(tx: Connection, appId: string, bundleIds: readonly string[]): Promise<string[]> {
    await setBundleIds(tx, appId, bundleIds).catch((error: unknown) => {
      if (!isUniqueViolation(error)) throw error
      throw problem('bundle-id-exists', `Another app has one of ${bundleIds.join(', ')}.`, {}, { cause: error })
    })
    return [...bundleIds].sort()
  }

  /** From now on it takes signed releases only. */
  async function requireSigning(tx: Connection, appId: string): Promise<void> {
    await updateApp(tx, appId, { signing: 'required' })
  }

  return {
    get,
    resolve,
    lock: lockApp,
    create,
    change,
    remove,
    list,
    render,
    requireSigning,
  }
}

export type { AppRow } from './app-store.ts'

export function platformsOf(app: AppRow): Platform[] {
  return JSON.parse(app.platforms) as Platform[]
}

/** @throws problem platform-not-found */
export function requirePlatform(app: AppRow, platform: Platform): void {
  const platforms = platformsOf(app)
  if (platform === 'any' || platforms.includes(platform)) return
  throw problem('platform-not-found', `The app "${app.slug}" is for ${platforms.join(', ')}, not for ${platform}.`)
}

/** The React Native contract's rule computes buckets of the id that the device tells, as other servers do. */
function requireIdsForBucketing({ bucketing, device_ids }: AppRow): void {
  if (bucketing !== 'original' || device_ids === 'as-given') return
  throw problem('invalid-request', 'deviceIds: the bucketing "original" needs "as-given".')
}

/** All but its key, which has no place in the audit log. */
function describeApp(row: AppRow, bundleIds: readonly string[]): Omit<App, 'appKey'> {
  return {
    id: row.id,
    slug: row.slug,
    name: row.name,
    platforms: platformsOf(row),
    checkAccess: row.check_access,
    bucketing: row.bucketing,
    signing: row.signing,
    deviceIds: row.device_ids,
    eventRetentionDays: row.event_retention_days,
    deviceRetentionDays: row.device_retention_days,
    archivedRetentionDays: row.archived_retention_days,
    guard: JSON.parse(row.guard) as GuardDifferences,
    trust: JSON.parse(row.trust) as TrustDifferences,
    deviceCohorts: row.device_cohorts,
    deviceCredentials: row.device_credentials,
    bundleIds: [...bundleIds],
    createdAt: timestamp(row.created_at),
  }
}
