import type { KitComponentKind, KitContent, Platform } from '@hotpatch/protocol'

/** A kit as its publisher describes it: what its manifest will say, but for the digests of what is not packed yet. */
export interface KitDescription {
  /** Where it is written down. */
  path: string
  /** Its files have no digests and no sizes that mean anything. */
  draft: KitContent
  sources: readonly KitSource[]
}

/** Where the bytes lie that one kind of machine takes of a component. */
export interface KitSource {
  component: string
  kind: KitComponentKind
  platform: Platform
  architecture: string
  /** A folder is zipped; a zip and any other file are published as they are. */
  what: 'folder' | 'zip' | 'file'
  path: string
}

/** In a manifest, as an artifact of its statement. */
export function nameOfSource({ component, platform, architecture }: KitSource): string {
  return `${component}/${platform}-${architecture}`
}
