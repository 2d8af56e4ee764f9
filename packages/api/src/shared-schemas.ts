import { PLATFORMS, PROBLEMS } from '@hotpatch/protocol'
import { Type, type Static, type TSchema, type TSchemaOptions } from 'typebox'

/** A UUIDv7 in lower case. */
export const Id = Type.String({ format: 'uuid' })

/** Beside what lists or counts events in a time: none is left out without a word. */
export const EventsNotKept = Type.Integer({
  minimum: 0,
  description: 'Events of the app that came in this time (whole hours), were counted, and not kept for want of room',
})

/** ISO 8601 in UTC. */
export const Timestamp = Type.String({ format: 'date-time' })

export const PlatformName = OneOf(PLATFORMS, { description: `One of ${PLATFORMS.join(', ')}` })

export const ChannelName = Type.String({
  pattern: '^[a-z0-9][a-z0-9._-]{0,62}$',
  description: 'Lower-case letters, digits, ".", "_" and "-"; at most 63 characters',
})

/** Where a release goes, and a device looks, when nobody says otherwise. */
export const DEFAULT_CHANNEL = 'production'

/** In percent, 0 to 100, in steps of 0.01. */
export const Percentage = Type.Number({ minimum: 0, maximum: 100, multipleOf: 0.01 })

/** Of shells: dotted numbers, as app stores have them. */
export const MandatoryBelow = Type.String({
  pattern: '^v?\\d{1,9}(?:\\.\\d{1,9}){0,3}(?:\\+\\d{1,15})?$',
  description: 'A native version such as 2.0.0, or 2.0.0+7 with a build: mandatory for shells below it',
})

/** Code Push §3. */
export const LabelNumber = Type.Integer({
  minimum: 1,
  maximum: 999_999_999,
  description:
    'Of a rollout that another server had counted before: its label there, such as 12 for v12. Later ones count on from it',
})

export const Sha256 = Type.String({ pattern: '^[0-9a-f]{64}$', description: 'Lower-case hex' })

/** Standard base64 with padding. */
export const Base64 = Type.String({ pattern: '^[A-Za-z0-9+/]*={0,2}$', maxLength: 131_072 })

export const Cursor = Type.String({ maxLength: 1200, description: '`nextCursor` of the page before' })

export const PageQuery = Type.Object({
  cursor: Type.Optional(Cursor),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200, default: 50 })),
})
export type PageQuery = Static<typeof PageQuery>

/** One page of a list. */
export interface Page<Item> {
  items: Item[]
  nextCursor: string | null
}

export function pageOf<Item extends TSchema>(item: Item) {
  return Type.Object({ items: Type.Array(item), nextCursor: Nullable(Type.String()) })
}

/** One of some texts. A union of literals would refuse with "must be equal to constant", and not say which. */
export function OneOf<Value extends string>(values: readonly Value[], options: TSchemaOptions = {}) {
  return Type.Unsafe<Value>({ ...options, type: 'string', enum: [...values] })
}

export function Nullable<Schema extends TSchema>(schema: Schema) {
  return Type.Union([schema, Type.Null()])
}

/** RFC 9457. `type` ends in one of the catalogue's names, on which clients branch. */
export const ProblemDocument = Type.Object(
  {
    type: Type.String({ description: `Ends in one of: ${Object.keys(PROBLEMS).join(', ')}` }),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.String(),
    instance: Type.String(),
    errors: Type.Optional(Type.Array(Type.Object({ pointer: Type.String(), detail: Type.String() }))),
  },
  { $id: 'Problem', additionalProperties: true },
)
export type ProblemDocument = Static<typeof ProblemDocument>

/** A problem's `type` is this and its name: an address on the server itself, where a page explains it. */
export const PROBLEM_TYPE_BASE = '/problems/'

/** Of a new rollout. */
export const Paused = Type.Boolean({
  default: false,
  description: 'Placed, and nobody gets it until it is resumed: there is no moment in which it is in force',
})
