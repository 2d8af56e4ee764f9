import { readInteger, readObject, readOptional, readString, UnexpectedJsonError } from '../json-reader.ts'
import { MAX_KIT_COMPONENTS, readKitComponentId, readKitDigest, readKitVersion } from './kit-component.ts'
import { expectSchemaVersion, KIT_SCHEMA_VERSION, MAX_KIT_MANIFEST_BYTES, readKitReleaseId } from './kit-manifest.ts'
import { parsePlainJson } from './plain-json.ts'

/** Kits §4: a Kit Release Manifest of what is installed: the same words, and less of them. */
export interface InstalledKit {
  releaseId: string
  channel: string
  /** Signing §1; absent of a kit that no coordinator has written. */
  sequence?: number
  minInstallerVersion?: string
  components: Readonly<Record<string, InstalledComponent>>
  /** As it was read: what this reader does not know of it is kept. */
  document: Readonly<Record<string, unknown>>
}

export interface InstalledComponent {
  version: string
  /** Lower-case hex of the SHA-256 of the file that this machine took. */
  sha256?: string
  /** Of an app whose bundle waits for its own updater. */
  stagedAt?: string
}

/**
 * Kits §4: reads what is installed, or the plain form of what is offered, which says of components their versions and
 * digests and no more. It decides nothing that a signature would have to cover.
 * @throws UnexpectedJsonError
 */
export function readInstalledKit(text: string): InstalledKit {
  const document = readObject(parsePlainJson(text, MAX_KIT_MANIFEST_BYTES), '')
  expectSchemaVersion(document.schema_version)
  const entries = Object.entries(readObject(document.components, '/components'))
  if (entries.length > MAX_KIT_COMPONENTS) {
    throw new UnexpectedJsonError('/components', `at most ${MAX_KIT_COMPONENTS} components`, document.components)
  }
  const sequence = readOptional(document.sequence, (found) => readInteger(found, '/sequence', 1))
  const minInstallerVersion = readOptional(document.min_installer_version, (found) =>
    readString(found, '/min_installer_version'),
  )
  return {
    releaseId: readKitReleaseId(document.release_id),
    channel: readString(document.channel, '/channel'),
    ...(sequence !== undefined && { sequence }),
    ...(minInstallerVersion !== undefined && { minInstallerVersion }),
    components: byId(entries.map(([id, each]) => [readKitComponentId(id), readInstalled(each, `/components/${id}`)])),
    document,
  }
}

/** What lies on a machine, for people to read: in the order of the components' ids. */
export function writeInstalledKit(
  kit: Omit<InstalledKit, 'document'> & Partial<Pick<InstalledKit, 'document'>>,
): string {
  const { releaseId, channel, sequence, minInstallerVersion, components, document = {} } = kit
  const known = {
    schema_version: KIT_SCHEMA_VERSION,
    release_id: releaseId,
    channel,
    sequence,
    min_installer_version: minInstallerVersion,
    components: Object.fromEntries(
      Object.entries(components)
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
        .map(([id, { version, sha256, stagedAt }]) => [
          id,
          {
            ...(stagedAt === undefined ? { version } : { bundle_version: version }),
            ...(sha256 !== undefined && { artifact_digest: `sha256:${sha256}` }),
            ...(stagedAt !== undefined && { staged_at: stagedAt }),
          },
        ]),
    ),
  }
  const unknown = Object.entries(document).filter(([name]) => !Object.hasOwn(known, name))
  return `${JSON.stringify({ ...known, ...Object.fromEntries(unknown) }, null, 2)}\n`
}

/** Without what every object has: "constructor" is an id, and is there only when it was installed. */
function byId(components: [id: string, InstalledComponent][]): Record<string, InstalledComponent> {
  return Object.assign(Object.create(null) as Record<string, InstalledComponent>, Object.fromEntries(components))
}

function readInstalled(value: unknown, pointer: string): InstalledComponent {
  const json = readObject(value, pointer)
  const sha256 = readOptional(json.artifact_digest, (found) => readKitDigest(found, `${pointer}/artifact_digest`))
  const stagedAt = readOptional(json.staged_at, (found) => readString(found, `${pointer}/staged_at`))
  return {
    version: readKitVersion(json, pointer),
    ...(sha256 !== undefined && { sha256 }),
    ...(stagedAt !== undefined && { stagedAt }),
  }
}
