import { createHash } from 'node:crypto'
import type { Appcast, AppcastQuery, NewSignedAppcast } from '@hotpatch/api'
import { problem, type Platform } from '@hotpatch/protocol'
import { readSignedAppcast, signatureScheme } from '@hotpatch/signatures'
import { timestamp, type Clock } from '../../ground/clock.ts'
import type { Changes } from '../../ground/database/changes.ts'
import type { Connection, Database } from '../../ground/database/schema.ts'
import type { AuditService } from '../../people/audit/audit-service.ts'
import { nameOf, type Author } from '../../people/authors/author.ts'
import type { AppRow, AppService } from '../apps/app-service.ts'
import type { ChannelService } from '../channels/channel-service.ts'
import type { KeyService } from '../signing/key-service.ts'
import {
  dropOldAppcasts,
  firstChangeAfter,
  listSignedAppcasts,
  putSignedAppcast,
  type AppcastPlace,
} from './appcast-store.ts'

/** Of one feed: what it says again after a roll-back was mostly signed before. */
const MAX_KEPT = 20

/** What a feed says now, byte for byte, without a signature. */
export type WriteAppcast = (
  app: AppRow,
  asked: { channel: string; platform: Platform | 'each' },
  publicUrl: string,
) => string

export type AppcastService = ReturnType<typeof createAppcastService>

/** Appcast §7: feeds that their publisher signs as a whole. */
export function createAppcastService({
  db,
  changes,
  apps,
  channels,
  keys,
  audit,
  clock,
  newId,
  writeAppcast,
}: {
  db: Database
  changes: Changes
  apps: AppService
  channels: ChannelService
  keys: KeyService
  audit: AuditService
  clock: Clock
  newId: () => string
  writeAppcast: WriteAppcast
}) {
  /** @throws problem channel-not-found */
  async function get(app: AppRow, channel: string, { platform = 'each' }: AppcastQuery, publicUrl: string) {
    await channels.require(app.id, channel)
    return describe(app, { app_id: app.id, channel, platform }, publicUrl)
  }

  async function describe(app: AppRow, place: AppcastPlace, publicUrl: string): Promise<Appcast> {
    const { channel, platform } = place
    const content = writeAppcast(app, { channel, platform }, publicUrl)
    const signed = await listSignedAppcasts(db, place)
    const sha256 = digestOf(content)
    const found = signed.find((row) => row.sha256 === sha256)
    const shown = found ?? signed[0]
    return {
      channel,
      platform,
      url: `${publicUrl}/apps/${app.slug}/channels/${channel}/appcast.xml${platform === 'each' ? '' : `?platform=${platform}`}`,
      content,
      signature:
        shown === undefined
          ? null
          : {
              isInForce: found !== undefined,
              keyId: shown.key_id,
              signedAt: timestamp(shown.created_at),
              signedBy: shown.created_by,
              outOfDateSince: found ? null : await outOfDateSince(place, shown.created_at),
            },
    }
  }

  async function outOfDateSince(place: AppcastPlace, after: number): Promise<string | null> {
    const since = await firstChangeAfter(db, place, { after, now: clock.now() })
    return since === undefined ? null : timestamp(since)
  }

  /**
   * Takes what is in force and nothing else: a signature is for good, and what was in force once may be what had to go.
   * @throws problem channel-not-found, invalid-request, signature-invalid or appcast-changed
   */
  async function sign(
    app: AppRow,
    channel: string,
    { platform = 'each', signed }: NewSignedAppcast,
    publicUrl: string,
    author: Author,
  ): Promise<Appcast> {
    await channels.require(app.id, channel)
    const read = readSignedAppcast(signed)
    if (typeof read === 'string') throw problem('invalid-request', `signed: ${read}.`)
    const place = { app_id: app.id, channel, platform }
    const sha256 = digestOf(read.content)
    await changes.run(async (tx, change) => {
      await apps.lock(tx, app.id)
      const keyId = await findSigner(app, read, tx)
      requireInForce(read.content, writeAppcast(app, { channel, platform }, publicUrl))
      const known = (await listSignedAppcasts(tx, place)).find((row) => row.sha256 === sha256)
      if (known && known.value === read.value && known.key_id === keyId) return
      const made = { id: newId(), created_at: clock.now(), created_by: nameOf(author) }
      await putSignedAppcast(tx, { ...place, ...made, sha256, key_id: keyId, value: read.value })
      await dropOldAppcasts(tx, place, MAX_KEPT)
      await audit.record(tx, author, {
        action: 'appcast.signed',
        subject: ['app', app.id],
        appId: app.id,
        after: { channel, platform, sha256, keyId },
      })
      change.raiseApps()
    })
    return describe(app, place, publicUrl)
  }

  async function findSigner(
    app: AppRow,
    { content, value }: { content: string; value: string },
    tx: Connection,
  ): Promise<string> {
    const { items } = await keys.list(app, 'sparkle-ed25519', tx)
    const working = items.filter(({ revokedAt }) => revokedAt === null)
    const scheme = signatureScheme('sparkle-ed25519')
    for (const { id, publicKey } of working) {
      if ((await scheme.findFault({ publicKey, value, bytes: once(content), version: '' })) === undefined) return id
    }
    const expected = 'one over the bytes before it, by a key of Sparkle that the app has'
    throw problem('signature-invalid', `signed: expected ${expected}, found none of ${working.length} that fits.`)
  }

  return { get, sign }
}

function requireInForce(signed: string, inForce: string): void {
  if (signed === inForce) return
  const theirs = signed.split('\n')
  const ours = inForce.split('\n')
  const at = ours.findIndex((line, index) => line !== theirs[index])
  const line = at < 0 ? ours.length : at
  const [expected, found] = [ours[line], theirs[line]].map((each) => each?.trim().slice(0, 200) ?? 'nothing')
  throw problem(
    'appcast-changed',
    `signed: expected what is in force now, byte for byte; line ${line + 1} is ${expected}, found ${found}. Nothing was kept.`,
  )
}

function digestOf(content: string): string {
  return createHash('sha256').update(content).digest('hex')
}

async function* once(text: string) {
  yield Buffer.from(text)
}
