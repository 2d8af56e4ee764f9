import {
  KIT_STATEMENT_FIELDS,
  readKitRelease,
  writeKitRelease,
  type KitManifest,
  type KitRelease,
  type NewKitRelease,
} from '../kit/index.ts'
import type { Requirement } from '../requirement.ts'
import type { ContentArtifact } from './content-artifact.ts'

/** Content §6: components of one system, which are moved together. What states them is a manifest of their own (Kits §1). */
export interface KitContent extends KitRelease {
  kind: 'kit'
}

/** The name of what lists a kit's components, as a server takes it. */
export const KIT_CONTENT_NAME = 'kit.json'

/** @throws UnexpectedJsonError */
export function readKitContent(text: string): KitContent {
  return { kind: 'kit', ...readKitRelease(text) }
}

export function writeKitContent({ kind: _, ...release }: NewKitRelease & { kind?: 'kit' }): string {
  return writeKitRelease(release)
}

/** Without what states it. */
export function kitContentOf(manifest: KitManifest): KitContent {
  const { appId: _, sequence: __, floor: ___, createdAt: ____, document, ...release } = manifest
  const stated: ReadonlySet<string> = new Set(KIT_STATEMENT_FIELDS)
  const rest = Object.entries(document).filter(([name]) => !stated.has(name))
  return { kind: 'kit', ...release, document: Object.fromEntries(rest) }
}

/** What a statement says of a release that is this kit. */
export function statedKit<Content extends Pick<KitRelease, 'components'>>(content: Content) {
  const artifacts = content.components.flatMap(({ id, files }) =>
    files.map(({ platform, architecture, sha256, sizeBytes }): ContentArtifact => ({
      name: `${id}/${platform}-${architecture}`,
      sha256,
      sizeBytes,
    })),
  )
  return { content, artifacts }
}

/** Kits §1.2: what an installation has to be. */
export function requirementOfKit({ minInstallerVersion }: Pick<KitRelease, 'minInstallerVersion'>): Requirement {
  return minInstallerVersion === undefined ? {} : { minNativeVersion: minInstallerVersion }
}
