import type { Attention } from '@hotpatch/api'
import { timestamp, type Clock } from '../../ground/clock.ts'
import type { Database } from '../../ground/database/schema.ts'
import type { Permission } from '../../people/authors/permissions.ts'
import type { AppcastService } from '../../shipping/appcasts/appcast-service.ts'
import type { AppRow } from '../../shipping/apps/app-service.ts'
import type { PlanService } from '../../rolling-out/plans/plan-service.ts'
import type { RolloutRow } from '../../rolling-out/rollouts/rollout-service.ts'
import { findEndingTokens, findFailingWebhooks } from './access-that-ends.ts'
import { inOrder, renderItem, type AttentionQuestion, type FoundItem } from './attention-item.ts'
import { findEndingCertificates, findLonelyKeys, findUnsignedFeeds } from './keys-and-certificates.ts'
import { findUnmadePatches } from './making-that-fails.ts'
import { findOpenProposals, findStuckPlans, findTrippedGuards } from './rollouts-in-trouble.ts'

const MAX_ITEMS = 100

/** Where somebody has a permission: of these apps; null: everywhere; undefined: nowhere. */
export type WhereMay = (permission: Permission) => readonly string[] | null | undefined

interface Source {
  permission: Permission
  find(question: AttentionQuestion, publicUrl: string): Promise<readonly FoundItem[]>
}

export type AttentionService = ReturnType<typeof createAttentionService>

/** What does not mend itself, from everywhere, for whoever may see it. */
export function createAttentionService({
  db,
  plans,
  appcasts,
  getRollout,
  getApp,
  clock,
}: {
  /** Only read. */
  db: Database
  plans: Pick<PlanService, 'getStatus'>
  appcasts: Pick<AppcastService, 'get'>
  getRollout: (id: string) => Promise<RolloutRow>
  getApp: (id: string) => Promise<AppRow>
  clock: Clock
}) {
  const sources: readonly Source[] = [
    { permission: 'rollouts:read', find: (question) => findTrippedGuards(db, question) },
    { permission: 'rollouts:read', find: (question) => findStuckPlans(db, question, { plans, getRollout }) },
    { permission: 'rollouts:read', find: (question) => findOpenProposals(db, question) },
    { permission: 'releases:read', find: (question) => findUnmadePatches(db, question) },
    { permission: 'apps:read', find: (question) => findLonelyKeys(db, question) },
    { permission: 'apps:read', find: (question) => findEndingCertificates(db, question) },
    {
      permission: 'apps:read',
      find: (question, publicUrl) => findUnsignedFeeds(db, question, { appcasts, getApp, publicUrl }),
    },
    { permission: 'tokens:manage', find: (question) => findEndingTokens(db, question) },
    { permission: 'webhooks:manage', find: (question) => findFailingWebhooks(db, question) },
  ]

  /** @param appId only what concerns this app; null: of all apps */
  async function list(appId: string | null, whereMay: WhereMay, publicUrl: string): Promise<Attention> {
    const now = clock.now()
    const found: FoundItem[] = []
    for (const { permission, find } of sources) {
      const where = whereMay(permission)
      const appIds = within(where, appId)
      if (appIds === undefined || appIds?.length === 0) continue
      found.push(...(await find({ appIds, ofAll: where === null, now }, publicUrl)))
    }
    const items = found.toSorted(inOrder).slice(0, MAX_ITEMS).map(renderItem)
    return { at: timestamp(now), items, leftOut: found.length - items.length }
  }

  return { list }
}

function within(where: readonly string[] | null | undefined, appId: string | null) {
  if (where === undefined || appId === null) return where
  return where === null || where.includes(appId) ? [appId] : undefined
}
