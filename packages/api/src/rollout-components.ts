import { KIT_COMPONENT_KINDS } from '@hotpatch/protocol'
import { Type, type Static } from 'typebox'
import { EventsNotKept, Id, Nullable, OneOf } from './shared-schemas.ts'

const Devices = Type.Integer({ minimum: 0 })

/** How far installations came with one component of a kit: each counts once in each of them. */
export const ComponentFigures = Type.Object({
  id: Type.String({ description: 'Such as "gateway"' }),
  kind: OneOf(KIT_COMPONENT_KINDS),
  version: Type.String(),
  planned: Devices,
  downloaded: Devices,
  applied: Devices,
  probed: Devices,
  confirmed: Devices,
  rolledBack: Devices,
  failed: Devices,
  codes: Type.Array(Type.Object({ code: Nullable(Type.String()), devices: Devices }), {
    description: 'Why it failed, most frequent first; null: no code was told',
  }),
})
export type ComponentFigures = Static<typeof ComponentFigures>

/**
 * Which component of a kit fails. It is what installations say of themselves, and nothing is decided by it: what counts
 * of a rollout are reports of the whole kit.
 */
export const RolloutComponents = Type.Object({
  rolloutId: Id,
  releaseId: Nullable(Id),
  version: Nullable(Type.String()),
  components: Type.Array(ComponentFigures, {
    description: 'In the order in which they are applied; none of a rollout of what is no kit',
  }),
  eventsNotKept: EventsNotKept,
})
export type RolloutComponents = Static<typeof RolloutComponents>
