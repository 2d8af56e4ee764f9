import { Type, type Static } from 'typebox'
import { ActorKind } from './access.ts'
import { Id, Nullable, Sha256, Timestamp } from './shared-schemas.ts'

/** Who did what, when, from where, and what it changed: what a seal is made of. Never altered. */
export const AuditRecord = Type.Object({
  id: Id,
  at: Timestamp,
  actorId: Nullable(Id),
  actorName: Type.String(),
  actorKind: ActorKind,
  personId: Nullable(Type.String({ description: 'Who is behind the actor, where that is known' })),
  action: Type.String({ description: 'Such as release.published' }),
  subjectKind: Type.String(),
  subjectId: Type.String(),
  appId: Nullable(Id),
  address: Nullable(Type.String()),
  requestId: Nullable(Type.String()),
  before: Type.Unknown(),
  after: Type.Unknown(),
})
export type AuditRecord = Static<typeof AuditRecord>

const Position = Type.Integer({ minimum: 0, description: 'In the chain: the first entry has 1' })

export const AuditSeal = Type.Object({ position: Position, hash: Sha256 })
export type AuditSeal = Static<typeof AuditSeal>

export const AuditEntry = Type.Object({
  ...AuditRecord.properties,
  seal: Type.Union([AuditSeal, Type.Null()], { description: 'Null for a moment, until it is sealed' }),
})
export type AuditEntry = Static<typeof AuditEntry>

export const AuditFilter = Type.Object({
  app: Type.Optional(Type.String({ maxLength: 200, description: 'Id or slug' })),
  action: Type.Optional(
    Type.String({
      maxLength: 100,
      description: 'Such as rollout.halted, or rollout for all that was done to rollouts',
    }),
  ),
  actor: Type.Optional(
    Type.String({ maxLength: 200, description: 'The id of a person or token, or what is in its name' }),
  ),
  subjectId: Type.Optional(Type.String({ maxLength: 200 })),
  from: Type.Optional(Timestamp),
  to: Type.Optional(Type.String({ format: 'date-time', description: 'Before this time' })),
  text: Type.Optional(
    Type.String({ minLength: 1, maxLength: 200, description: 'Anywhere in the names, and in what was and is' }),
  ),
})
export type AuditFilter = Static<typeof AuditFilter>

/** The end of the chain. Whoever remembers it finds out when what is before it has changed. */
export const AuditHead = Type.Object({
  position: Position,
  hash: Sha256,
  waiting: Type.Integer({ minimum: 0, description: 'Entries that are not sealed yet' }),
  at: Timestamp,
})
export type AuditHead = Static<typeof AuditHead>

export const AuditExportQuery = Type.Object({
  ...AuditFilter.properties,
  after: Type.Optional(Type.Integer({ minimum: 0, description: 'Only what is behind this position of the chain' })),
})
export type AuditExportQuery = Static<typeof AuditExportQuery>

/** A line of an export, which is one JSON value a line. */
export type AuditLine = SealedLine | UnsealedLine | EndLine

export interface SealedLine {
  kind: 'entry'
  position: number
  previousHash: string
  hash: string
  entryId: string
  /** Null when the entry that was sealed is gone. */
  entry: AuditRecord | null
}

/** One that has no seal and does not wait for one: no server wrote it. */
export interface UnsealedLine {
  kind: 'unsealed'
  entry: AuditRecord
}

/** The last one. An export without it is not whole. */
export interface EndLine {
  kind: 'end'
  /** The export began behind this position, and went to the other. */
  after: number
  position: number
  hash: string
  /** Entries that were not sealed yet, and are not in the export. */
  waiting: number
  /** Whether entries were left out: those that the filter or the reader's rights do not admit. */
  filtered: boolean
  at: string
}
