import { randomBytes } from 'node:crypto'
import type {
  App,
  AppChanges,
  GuardDifferences,
  NewApp,
  NewSigningKey,
  Page,
  SigningKey,
  TrustDifferences,
} from '@hotpatch/api'
import { problem, type Platform } from '@hotpatch/protocol'
import type { AuditService } from '../../people/audit/audit-service.ts'
import { actorOf, type Author, nameOf } from '../../people/authors/author.ts'
import { requireApp, type Actor } from '../../people/authors/actor.ts'
import { nullableTimestamp, timestamp, type Clock } from '../../ground/clock.ts'
import type { Changes } from '../../ground/database/changes.ts'
import { isUniqueViolation } from '../../ground/database/database-errors.ts'
import type { Connection, Database, Schema } from '../../ground/database/schema.ts'
import type { DeviceIdentity } from '../../fleet/devices/device-identity.ts'
import { knowsDevices } from '../../fleet/devices/device-queries.ts'
import { differencesOf } from './guard-differences.ts'
import { pageFromRows, type PageRequest } from '../../ground/http/paging.ts'
import { appKeyOwner } from '../../ground/secrets/seal-database.ts'
import type { SecretBox } from '../../ground/secrets/secret-box.ts'
import {
  findApp,
  insertApp,
  insertSigningKey,
  listApps,
  listSigningKeys,
  lockApp,
  revokeSigningKey,
  updateApp,
  type AppRow,
} from './app-store.ts'
import { deleteUnusedApp, isUsed } from './delete-app-queries.ts'
import { isEd25519PublicKey } from './signing-keys.ts'

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
    if ((actorOf(author)?.appId ?? null) !== null)
      throw problem('forbidden', 'This token is for one app and cannot make others.')
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
      change.raiseApps()
      await audit.record(tx, author, {
        action: 'app.created',
        subject: ['app', row.id],
        appId: row.id,
        after: describeApp(row),
      })
    })
    return render(row)
  }

  async function change(app: AppRow, input: AppChanges, author: Author): Promise<App> {
    const { name, platforms, checkAccess, bucketing, signing, deviceIds } = input
    const { eventRetentionDays, deviceRetentionDays, guard, trust, deviceCohorts, deviceCredentials } = input
    const changed: Partial<AppRow> = {
      ...(name !== undefined && { name }),
      ...(platforms && { platforms: JSON.stringify(platforms) }),
      ...(checkAccess && { check_access: checkAccess }),
      ...(bucketing && { bucketing }),
      ...(signing && { signing }),
      ...(deviceIds && { device_ids: deviceIds }),
      ...(eventRetentionDays !== undefined && { event_retention_days: eventRetentionDays }),
      ...(deviceRetentionDays !== undefined && { device_retention_days: deviceRetentionDays }),
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
      await updateApp(tx, app.id, changed)
      change.raiseApps()
      await audit.record(tx, author, {
        action: 'app.changed',
        subject: ['app', app.id],
        appId: app.id,
        before: describeApp(before),
        after: describeApp(after),
      })
      return after
    })
    return render(after)
  }

  /** One that was made by mistake: with a release or a device it stays. */
  async function remove(app: AppRow, author: Author): Promise<App> {
    if ((actorOf(author)?.appId ?? null) !== null)
      throw problem('forbidden', 'This token is for one app and cannot delete it.')
    await settleFleet()
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
        before: describeApp(app),
      })
    })
    return render(app)
  }

  async function changeDeviceIds(tx: Connection, app: AppRow): Promise<void> {
    if (await knowsDevices(tx, app.id)) {
      throw problem('app-has-devices', `The devices of "${app.slug}" are known already; their ids cannot change.`)
    }
    if (app.device_ids === 'hashed') await identity.claim(tx)
  }

  async function list(actor: Actor | null, page: PageRequest): Promise<Page<App>> {
    const rows = await listApps(db, actor?.appId ?? null, page)
    const { items, nextCursor } = pageFromRows(rows, page, (row) => row)
    return { items: await Promise.all(items.map(render)), nextCursor }
  }

  async function render(row: AppRow): Promise<App> {
    const { id, slug, name, ...others } = describeApp(row)
    return { id, slug, name, appKey: await box.open(appKeyOwner(id), row.app_key), ...others }
  }

  async function listKeys(app: AppRow): Promise<Page<SigningKey>> {
    return { items: (await listSigningKeys(db, app.id)).map(renderKey), nextCursor: null }
  }

  /** Also what an app's first signed release does: from then on the app takes releases signed by its keys only. */
  async function addKey(
    app: AppRow,
    input: NewSigningKey,
    author: Author,
    connection?: Connection,
  ): Promise<SigningKey> {
    if (!isEd25519PublicKey(input.publicKey)) {
      throw problem('invalid-request', 'publicKey: expected the 32 raw bytes of an Ed25519 public key in base64.')
    }
    const row = {
      id: newId(),
      app_id: app.id,
      public_key: input.publicKey,
      name: input.name ?? nameOf(author),
      created_at: clock.now(),
      created_by: nameOf(author),
      revoked_at: null,
    }
    const write = async (tx: Connection) => {
      await insertSigningKey(tx, row).catch((error: unknown) => {
        if (!isUniqueViolation(error)) throw error
        throw problem('key-exists', 'This key is registered for the app already.', {}, { cause: error })
      })
      await updateApp(tx, app.id, { signing: 'required' })
      await audit.record(tx, author, {
        action: 'key.registered',
        subject: ['key', row.id],
        appId: app.id,
        after: renderKey(row),
      })
    }
    if (connection) await write(connection)
    else await changes.run(write)
    return renderKey(row)
  }

  async function revokeKey(app: AppRow, keyId: string, author: Author): Promise<SigningKey> {
    return changes.run(async (tx) => {
      const row = (await listSigningKeys(tx, app.id)).find((key) => key.id === keyId)
      if (!row) throw problem('key-not-found', `The app has no signing key with the id ${keyId}.`)
      if (row.revoked_at !== null) return renderKey(row)
      const revoked = { ...row, revoked_at: clock.now() }
      await revokeSigningKey(tx, keyId, revoked.revoked_at)
      await audit.record(tx, author, {
        action: 'key.revoked',
        subject: ['key', keyId],
        appId: app.id,
        before: renderKey(row),
        after: renderKey(revoked),
      })
      return renderKey(revoked)
    })
  }

  async function listWorkingKeys(appId: string, connection: Connection = db): Promise<string[]> {
    const keys = await listSigningKeys(connection, appId)
    return keys.filter((key) => key.revoked_at === null).map((key) => key.public_key)
  }

  async function findWorkingKeyId(appId: string, publicKey: string, connection: Connection) {
    const keys = await listSigningKeys(connection, appId)
    return keys.find((key) => key.revoked_at === null && key.public_key === publicKey)?.id
  }

  async function hasEverHadKeys(appId: string, connection: Connection): Promise<boolean> {
    return (await listSigningKeys(connection, appId)).length > 0
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
    listKeys,
    listWorkingKeys,
    findWorkingKeyId,
    hasEverHadKeys,
    addKey,
    revokeKey,
  }
}

export type { AppRow } from './app-store.ts'

type SigningKeyRow = Schema['signing_key']

export function platformsOf(app: AppRow): Platform[] {
  return JSON.parse(app.platforms) as Platform[]
}

/** The React Native contract's rule computes buckets of the id that the device tells, as other servers do. */
function requireIdsForBucketing({ bucketing, device_ids }: AppRow): void {
  if (bucketing !== 'original' || device_ids === 'as-given') return
  throw problem('invalid-request', 'deviceIds: the bucketing "original" needs "as-given".')
}

/** All but its key, which has no place in the audit log. */
function describeApp(row: AppRow): Omit<App, 'appKey'> {
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
    guard: JSON.parse(row.guard) as GuardDifferences,
    trust: JSON.parse(row.trust) as TrustDifferences,
    deviceCohorts: row.device_cohorts,
    deviceCredentials: row.device_credentials,
    createdAt: timestamp(row.created_at),
  }
}

function renderKey(row: SigningKeyRow): SigningKey {
  return {
    id: row.id,
    publicKey: row.public_key,
    name: row.name,
    createdAt: timestamp(row.created_at),
    createdBy: row.created_by,
    revokedAt: nullableTimestamp(row.revoked_at),
  }
}
