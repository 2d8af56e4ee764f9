import { randomBytes } from 'node:crypto'
import type { InstallLink, InstallPage, NewInstallLink, NewInstallPage, Page } from '@hotpatch/api'
import { problem } from '@hotpatch/protocol'
import { HOUR_MS, timestamp, type Clock } from '../../ground/clock.ts'
import type { Database } from '../../ground/database/schema.ts'
import { installPageOwner } from '../../ground/secrets/seal-database.ts'
import type { SecretBox } from '../../ground/secrets/secret-box.ts'
import type { AuditService } from '../../people/audit/audit-service.ts'
import type { Author } from '../../people/authors/author.ts'
import type { AppRow } from '../../shipping/apps/app-service.ts'
import type { ChannelService } from '../../shipping/channels/channel-service.ts'
import {
  deleteInstallPage,
  findInstallPage,
  listInstallPages,
  putInstallPage,
  type InstallPageRow,
} from './install-page-store.ts'
import { isPass, makePass } from './passes.ts'
import { hashPassword, isPassword } from './passwords.ts'

/** How long whoever knew the password is not asked again. */
const SIGNED_IN_MS = 12 * HOUR_MS
/** Of a download that the system itself makes, which has no cookie: until it has begun. */
const DOWNLOAD_MS = HOUR_MS

export type InstallPageService = ReturnType<typeof createInstallPageService>

/** Which channels have a page for people to install from, and whom each lets in. */
export function createInstallPageService({
  db,
  channels,
  audit,
  box,
  clock,
  newId,
}: {
  db: Database
  channels: ChannelService
  audit: AuditService
  box: SecretBox
  clock: Clock
  newId: () => string
}) {
  /**
   * Opens a page, or changes whom it lets in. Whoever was let in before is asked again.
   * @throws problem channel-not-found
   */
  async function put(app: AppRow, channel: string, input: NewInstallPage, publicUrl: string, author: Author) {
    const passwordHash = input.password === undefined ? undefined : await hashPassword(input.password)
    return db.transaction().execute(async (tx) => {
      await channels.require(app.id, channel, tx)
      const before = await findInstallPage(tx, app.id, channel)
      const id = before?.id ?? newId()
      const row: InstallPageRow = {
        id,
        app_id: app.id,
        channel,
        access: input.access,
        password_hash: input.access === 'open' ? null : (passwordHash ?? before?.password_hash ?? null),
        secret: await box.seal(installPageOwner(id), randomBytes(32).toString('base64url')),
        changed_at: clock.now(),
      }
      await putInstallPage(tx, row)
      await audit.record(tx, author, {
        action: before ? 'install-page.changed' : 'install-page.opened',
        subject: ['install-page', id],
        appId: app.id,
        ...(before && { before: describe(before) }),
        after: describe(row),
      })
      return render(app, row, publicUrl)
    })
  }

  /** @throws problem install-page-not-found */
  async function remove(app: AppRow, channel: string, publicUrl: string, author: Author): Promise<InstallPage> {
    return db.transaction().execute(async (tx) => {
      const row = await findInstallPage(tx, app.id, channel)
      if (!row) throw notFound(app, channel)
      await deleteInstallPage(tx, row.id)
      await audit.record(tx, author, {
        action: 'install-page.closed',
        subject: ['install-page', row.id],
        appId: app.id,
        before: describe(row),
      })
      return render(app, row, publicUrl)
    })
  }

  async function list(app: AppRow, publicUrl: string): Promise<Page<InstallPage>> {
    const rows = await listInstallPages(db, app.id)
    return { items: rows.map((row) => render(app, row, publicUrl)), nextCursor: null }
  }

  /**
   * A link that lets in whoever has it, until a time.
   * @throws problem install-page-not-found
   */
  async function link(
    app: AppRow,
    channel: string,
    { expiresInHours }: NewInstallLink,
    publicUrl: string,
    author: Author,
  ): Promise<InstallLink> {
    const row = await findInstallPage(db, app.id, channel)
    if (!row) throw notFound(app, channel)
    const expiresAt = clock.now() + expiresInHours * HOUR_MS
    const pass = makePass(await subjectOf(row), expiresAt)
    await audit.record(db, author, {
      action: 'install-link.made',
      subject: ['install-page', row.id],
      appId: app.id,
      after: { channel, expiresAt: timestamp(expiresAt) },
    })
    return { url: `${pageUrl(publicUrl, app.slug, channel)}?pass=${pass}`, expiresAt: timestamp(expiresAt) }
  }

  /** For a visitor. Undefined when there is none: nobody learns whether there is such an app. */
  function find(app: AppRow, channel: string): Promise<InstallPageRow | undefined> {
    return findInstallPage(db, app.id, channel)
  }

  /** @param passes what the visitor has: of the address, of a cookie */
  async function lets(row: InstallPageRow, passes: readonly string[]): Promise<boolean> {
    if (row.access === 'open') return true
    if (passes.length === 0) return false
    const subject = await subjectOf(row)
    return passes.some((pass) => isPass(subject, pass, clock.now()))
  }

  /** Undefined when it is wrong, or the page has none. */
  async function signIn(row: InstallPageRow, password: string): Promise<SignedIn | undefined> {
    if (row.password_hash === null || !(await isPassword(password, row.password_hash))) return undefined
    const pass = makePass(await subjectOf(row), clock.now() + SIGNED_IN_MS)
    return { pass, maxAgeSeconds: SIGNED_IN_MS / 1000 }
  }

  /** For addresses that something without the visitor's cookies will ask for. Undefined where anybody may. */
  async function downloadPass(row: InstallPageRow): Promise<string | undefined> {
    return row.access === 'open' ? undefined : makePass(await subjectOf(row), clock.now() + DOWNLOAD_MS)
  }

  async function subjectOf({ id, app_id: appId, channel, secret }: InstallPageRow) {
    return { appId, channel, secret: await box.open(installPageOwner(id), secret) }
  }

  return { put, remove, list, link, find, lets, signIn, downloadPass }
}

export interface SignedIn {
  pass: string
  maxAgeSeconds: number
}

export function pageUrl(publicUrl: string, slug: string, channel: string): string {
  return `${publicUrl}/apps/${slug}/install/${channel}`
}

function notFound(app: AppRow, channel: string) {
  return problem('install-page-not-found', `The channel "${channel}" of ${app.slug} has no install page.`)
}

function render(app: AppRow, row: InstallPageRow, publicUrl: string): InstallPage {
  return { ...describe(row), url: pageUrl(publicUrl, app.slug, row.channel) }
}

/** All but its secrets. */
function describe(row: InstallPageRow): Omit<InstallPage, 'url'> {
  return {
    channel: row.channel,
    access: row.access,
    hasPassword: row.password_hash !== null,
    changedAt: timestamp(row.changed_at),
  }
}
