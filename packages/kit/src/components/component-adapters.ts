import type { KitComponentKind } from '@hotpatch/protocol'
import { appAdapter } from './app/app-adapter.ts'
import { binaryAdapter } from './binary/binary-adapter.ts'
import type { ComponentAdapter } from './component-adapter.ts'
import { filesAdapter } from './files/files-adapter.ts'
import { migrationAdapter } from './migration/migration-adapter.ts'
import { repairAdapter } from './repair/repair-adapter.ts'
import { templateAdapter } from './template/template-adapter.ts'

/** Kits §3: every kind but the coordinator's own, which replaces itself. */
export const COMPONENT_ADAPTERS = {
  files: filesAdapter,
  binary: binaryAdapter,
  template: templateAdapter,
  app: appAdapter,
  migration: migrationAdapter,
  repair: repairAdapter,
} satisfies Partial<Record<KitComponentKind, ComponentAdapter>>
