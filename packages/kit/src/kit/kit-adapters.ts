import type { KitComponentKind } from '@hotpatch/protocol'
import type { ComponentAdapter } from '../components/component-adapter.ts'
import { COMPONENT_ADAPTERS } from '../components/component-adapters.ts'
import { coordinatorAdapter } from '../launcher/coordinator-adapter.ts'

/** By the kind that each is of. */
export const KIT_ADAPTERS: ReadonlyMap<KitComponentKind, ComponentAdapter> = new Map(
  [...Object.values(COMPONENT_ADAPTERS), coordinatorAdapter].map((adapter) => [adapter.kind, adapter]),
)
