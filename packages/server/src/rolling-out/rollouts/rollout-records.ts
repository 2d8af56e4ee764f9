import type { Platform } from '@hotpatch/protocol'
import type { AnnouncementService, AnnouncementType } from '../../telling/announcements/announcement-service.ts'
import { platformsOf, type AppRow } from '../../shipping/apps/app-service.ts'
import type { AuditService } from '../../people/audit/audit-service.ts'
import { type Author, nameOf } from '../../people/authors/author.ts'
import type { Change } from '../../ground/database/changes.ts'
import type { Connection } from '../../ground/database/schema.ts'
import { renderRollout } from './render-rollout.ts'
import { raiseGenerations } from './catalog-generation-store.ts'
import type { RolloutRow } from './rollout-store.ts'

/** What happens to a rollout, as the audit log names it. */
export type RolloutAction =
  | Extract<AnnouncementType, `rollout.${string}`>
  | 'rollout.rolled-back'
  | 'rollout.scheduled'
  | 'rollout.proposed'

export type RolloutRecords = ReturnType<typeof createRolloutRecords>

/** What every change of a rollout leaves behind, in its own transaction. */
export function createRolloutRecords({
  audit,
  announcements,
}: {
  audit: AuditService
  announcements: AnnouncementService
}) {
  /** In the audit log, and for those who listen. */
  async function record(
    tx: Connection,
    change: Change,
    author: Author,
    action: RolloutAction,
    before: RolloutRow | undefined,
    after: RolloutRow,
  ): Promise<void> {
    const rollout = renderRollout(after)
    await audit.record(tx, author, {
      action,
      subject: ['rollout', after.id],
      appId: after.app_id,
      ...(before && { before: renderRollout(before) }),
      after: rollout,
    })
    // A start is told when it comes, and a proposal by itself.
    if (action === 'rollout.scheduled' || action === 'rollout.proposed') return
    const type = action === 'rollout.rolled-back' ? 'rollback' : action
    const previous = before && { state: before.state, percentage: before.percentage }
    const data = { rollout, ...(previous && { previous }), by: nameOf(author) }
    await announcements.record(tx, change, { type, appId: after.app_id, data })
  }

  /** Whoever answers by these catalogs compiles them anew. */
  async function raise(
    tx: Connection,
    change: Change,
    app: AppRow,
    { platform, channel }: { platform: Platform; channel: string },
  ): Promise<void> {
    // A release for any platform is in the catalogs of all of them.
    const platforms = platform === 'any' ? [...new Set([...platformsOf(app), 'any' as const])] : [platform]
    const places = { appId: app.id, channel, platforms }
    await raiseGenerations(tx, places)
    change.raiseCatalogs(places)
  }

  return { record, raise }
}
