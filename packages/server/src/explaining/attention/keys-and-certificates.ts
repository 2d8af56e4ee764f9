import { X509Certificate } from 'node:crypto'
import { DAY_MS, timestamp } from '../../ground/clock.ts'
import type { Database } from '../../ground/database/schema.ts'
import type { AppRow } from '../../shipping/apps/app-service.ts'
import type { AppcastService } from '../../shipping/appcasts/appcast-service.ts'
import type { AttentionQuestion, FoundItem } from './attention-item.ts'
import { listCertificates, listSignedFeeds, listSigningApps } from './attention-queries.ts'

/** A certificate is built into the app: devices need a new binary before it ends. */
const EXPIRES_SOON_MS = 60 * DAY_MS
/** Each is written as it would be served. */
const MAX_FEEDS = 50

/** Apps of which one lost or stolen key is the end: what another one signs, installed apps refuse. */
export async function findLonelyKeys(db: Database, { appIds }: AttentionQuestion): Promise<readonly FoundItem[]> {
  const rows = await listSigningApps(db, appIds)
  return rows.map(({ app_id, slug, keys, name, created_at, newest_at }) => ({
    app_id,
    slug,
    subject: { kind: 'app', id: app_id, name: slug },
    address: `apps/${slug}/settings`,
    facts: { ...(name !== null && { key: name }) },
    ...(keys === 0
      ? {
          kind: 'key-missing' as const,
          severity: 'critical' as const,
          since: created_at,
          explanation: `${slug} takes signed releases only, and has no key that could sign one: nothing can be published.`,
          remedy: 'Register a key that the installed apps hold: hotpatch keys add.',
        }
      : {
          kind: 'key-without-spare' as const,
          severity: 'notice' as const,
          since: newest_at ?? created_at,
          explanation: `${slug} has one signing key. When it is lost or stolen, every device waits for a new app from its store.`,
          remedy:
            'Make a spare key, register it with hotpatch keys add, build its public half into the app as well, and keep it elsewhere.',
        }),
  }))
}

/** Certificates of signed answers: Expo's clients refuse what is signed when theirs has ended, and say nothing. */
export async function findEndingCertificates(
  db: Database,
  { appIds, now }: AttentionQuestion,
): Promise<readonly FoundItem[]> {
  const rows = await listCertificates(db, appIds)
  return rows.flatMap(({ app_id, slug, key_id, certificate }) => {
    const end = Date.parse(new X509Certificate(certificate).validTo)
    if (end - now > EXPIRES_SOON_MS) return []
    const isOver = end < now
    const item: FoundItem = {
      app_id,
      slug,
      kind: isOver ? 'certificate-expired' : 'certificate-expiring',
      severity: isOver ? 'critical' : 'warning',
      subject: { kind: 'certificate', id: key_id, name: key_id },
      since: isOver ? end : end - EXPIRES_SOON_MS,
      explanation: isOver
        ? `The certificate of the key "${key_id}" ended at ${timestamp(end)}: apps that were built with it refuse every signed answer.`
        : `The certificate of the key "${key_id}" ends at ${timestamp(end)}: from then on apps that were built with it refuse every signed answer.`,
      remedy: 'Make a new certificate with another key id, build the app with it, and sign the answers by it, too.',
      facts: { end: timestamp(end) },
      address: `apps/${slug}/settings`,
    }
    return [item]
  })
}

/** Feeds that were signed once, and say something since that nobody has signed. */
export async function findUnsignedFeeds(
  db: Database,
  { appIds }: AttentionQuestion,
  {
    appcasts,
    getApp,
    publicUrl,
  }: { appcasts: Pick<AppcastService, 'get'>; getApp: (id: string) => Promise<AppRow>; publicUrl: string },
): Promise<readonly FoundItem[]> {
  const items: FoundItem[] = []
  for (const { app_id, slug, channel, platform } of await listSignedFeeds(db, appIds, MAX_FEEDS)) {
    const { signature } = await appcasts.get(await getApp(app_id), channel, { platform }, publicUrl)
    if (!signature || signature.isInForce) continue
    items.push({
      app_id,
      slug,
      kind: 'feed-not-signed',
      severity: 'critical',
      subject: { kind: 'feed', id: `${channel} ${platform}`, name: channel },
      since: Date.parse(signature.outOfDateSince ?? signature.signedAt),
      explanation: `The feed of ${channel}${platform === 'each' ? '' : ` (${platform})`} has changed since it was signed: apps that take only a signed feed get no update.`,
      remedy: `Sign it again: hotpatch appcast sign ${channel}.`,
      facts: { channel, platform },
      address: `apps/${slug}/channels`,
    })
  }
  return items
}
