import { Type, type Static } from 'typebox'
import type { GuardAction, GuardFigures, GuardTrip } from './guards.ts'
import type { Rollout } from './rollouts.ts'
import { Id, Nullable, OneOf, Timestamp } from './shared-schemas.ts'

/** What webhooks and the live stream can tell. */
export const ANNOUNCEMENT_TYPES = [
  'release.published',
  'rollout.started',
  'rollout.changed',
  'rollout.advanced',
  'rollout.paused',
  'rollout.resumed',
  'rollout.halted',
  'rollout.withdrawn',
  'rollout.finished',
  'guard.tripped',
  'rollback',
  'proposal.made',
  'proposal.approved',
  'proposal.rejected',
  'proposal.withdrawn',
] as const
export const AnnouncementType = OneOf(ANNOUNCEMENT_TYPES)
export type AnnouncementType = (typeof ANNOUNCEMENT_TYPES)[number]

/** Something that happened, once it is committed. */
export const Announcement = Type.Object({
  id: Id,
  type: AnnouncementType,
  appId: Nullable(Id),
  at: Timestamp,
  data: Type.Record(Type.String(), Type.Unknown(), {
    description: 'Of a rollout: `rollout` without its forced devices, `by`, and for a change `previous`',
  }),
})
export type Announcement = Static<typeof Announcement>

export const AnnouncementFilter = Type.Object({
  app: Type.Optional(Type.String({ description: 'Id or slug: only what concerns this app' })),
})
export type AnnouncementFilter = Static<typeof AnnouncementFilter>

/** What the audit log and webhooks tell of a trip. */
export interface TrippedGuard {
  rollout: Rollout
  action: GuardAction
  cause: GuardTrip['cause']
  figures: GuardFigures
}
