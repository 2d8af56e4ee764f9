import { readFile } from 'node:fs/promises'
import type { KitContentComponent, NewKitContent } from '@hotpatch/api'
import {
  KIT_CONTENT_NAME,
  MAX_KIT_MANIFEST_BYTES,
  problem,
  readKitContent,
  statedKit,
  UnexpectedJsonError,
  type KitComponent,
  type KitContent,
  type KitFile,
} from '@hotpatch/protocol'
import { ANY_BYTES } from '../../artifacts/any-bytes.ts'
import type { ContentKind, Facts, ReceivedBytes, ReleaseFile } from '../content-kind.ts'
import { plainFile } from '../plain-file.ts'

/** Content §6: of kit.json. */
export interface KitFacts extends Facts {
  kind: 'kit'
  /** As it came: all that a statement of the release has to say. */
  text: string
  /** The components' files, each once. */
  parts: readonly ReceivedBytes[]
}

export interface OfferedKit {
  kind: 'kit'
  /** Of kit.json. */
  sha256: string
  sizeBytes: number
}

export const KIT_CONTENT_TYPE = 'application/json'

/** Components of one system: each of their files is uploaded by itself, and then kit.json, which says what they are. */
export const kitKind: ContentKind<KitFacts, NewKitContent, OfferedKit> = {
  name: 'kit',
  maxBytes: ({ maxBytes }) => Math.min(maxBytes, MAX_KIT_MANIFEST_BYTES),
  wantsSha512: false,
  isStatedByBytes: true,
  canBePacked: () => false,
  contentTypeOf: () => KIT_CONTENT_TYPE,

  async check({ path }, { maxFiles }, { owned, signal }) {
    signal?.throwIfAborted()
    if (!owned)
      throw problem('invalid-request', `Expected ${KIT_CONTENT_NAME} to be uploaded before, found one that came along.`)
    const text = decode(await readFile(path))
    const parts = filesOfAll(readContent(text))
    if (parts.length > maxFiles) {
      throw problem('body-too-large', `${KIT_CONTENT_NAME}: expected at most ${maxFiles} files, found ${parts.length}.`)
    }
    await owned.requireAll(parts)
    return { facts: { kind: 'kit', text, parts } }
  },

  describeUpload: ({ sha256, sizeBytes, facts }, downloadUrl) => {
    const urlOf = (digest: string) => downloadUrl.replace(sha256, digest)
    return described({ sha256, sizeBytes }, readContent(facts.text), urlOf)
  },

  told: ({ sha256, sizeBytes }) => [{ sha256, sizeBytes }],

  requireFit([upload], { platform, version }) {
    if (!upload) return
    const { releaseId } = readContent(upload.facts.text)
    if (platform !== 'any') {
      throw problem(
        'content-unfit',
        `platform: expected any, as a kit says itself what is for which, found ${platform}.`,
      )
    }
    if (version !== releaseId) {
      const expected = `${releaseId}, the release_id of ${KIT_CONTENT_NAME}`
      throw problem('content-unfit', `version: expected ${expected}, found "${version}".`)
    }
  },

  amounts: ({ content }, limits) => [
    {
      variable: 'HOTPATCH_MAX_BUNDLE_BYTES',
      found: content?.kind === 'kit' ? content.sizeBytes : undefined,
      most: Math.min(limits.maxBytes, MAX_KIT_MANIFEST_BYTES),
      unit: 'bytes',
    },
  ],

  filesOf([upload]) {
    if (!upload) throw new Error(`A kit without its ${KIT_CONTENT_NAME}.`)
    const { sha256, sizeBytes, facts } = upload
    const content = facts && readContent(facts.text)
    return [
      plainFile({ path: KIT_CONTENT_NAME, sha256, sizeBytes }, 'manifest', KIT_CONTENT_TYPE),
      ...(content?.components.flatMap(({ id, files }) => files.map((file) => componentFile(id, file))) ?? []),
    ]
  },

  notesOf: ([upload]) => upload && readContent(upload.facts.text).notes,

  describe(files, factsOf, urlOf) {
    const listed = listOf(files)
    return described(listed, contentOf(listed, factsOf), urlOf)
  },
  stated: (files, factsOf) => statedKit(contentOf(listOf(files), factsOf)),
  offered: (files) => ({ kind: 'kit', ...listOf(files) }),
  digests: ({ sha256 }) => [sha256],
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (cause) {
    throw problem('invalid-request', `${KIT_CONTENT_NAME}: expected UTF-8 text.`, {}, { cause })
  }
}

/** @throws problem invalid-request */
function readContent(text: string): KitContent {
  try {
    return readKitContent(text)
  } catch (error) {
    if (!(error instanceof UnexpectedJsonError)) throw error
    throw problem('invalid-request', `${KIT_CONTENT_NAME}: ${error.message}`, {}, { cause: error })
  }
}

/** Of all components, each once: two may be the same. */
function filesOfAll({ components }: KitContent): ReceivedBytes[] {
  const files = components.flatMap((component) => component.files)
  return [...new Map(files.map(({ sha256, sizeBytes }) => [sha256, { sha256, sizeBytes }])).values()]
}

function componentFile(component: string, { platform, architecture, format, sha256, sizeBytes }: KitFile): ReleaseFile {
  return {
    ...plainFile({ path: `${component}/${platform}-${architecture}`, sha256, sizeBytes }, 'component', ANY_BYTES),
    component,
    platform,
    architecture,
    format,
  }
}

function listOf(files: readonly ReleaseFile[]): ReceivedBytes {
  const found = files.find(({ role }) => role === 'manifest')
  if (!found || found.sha256 === null) throw new Error(`A kit without its ${KIT_CONTENT_NAME}.`)
  return { sha256: found.sha256, sizeBytes: found.size_bytes }
}

function contentOf({ sha256 }: ReceivedBytes, factsOf: (sha256: string) => KitFacts | undefined): KitContent {
  const facts = factsOf(sha256)
  if (!facts) throw new Error(`What is in the ${KIT_CONTENT_NAME} ${sha256} is not known.`)
  return readContent(facts.text)
}

function described(listed: ReceivedBytes, content: KitContent, urlOf: (sha256: string) => string) {
  const { sha256, sizeBytes } = listed
  const { channel, severity, minInstallerVersion, expectedDowntimeSeconds, allowsPartial, probe, components } = content
  return {
    kind: 'kit' as const,
    sha256,
    sizeBytes,
    downloadUrl: urlOf(sha256),
    channel,
    severity,
    ...(minInstallerVersion !== undefined && { minInstallerVersion }),
    ...(expectedDowntimeSeconds !== undefined && { expectedDowntimeSeconds }),
    allowsPartial,
    ...(probe && { probe }),
    components: components.map((component) => describedComponent(component, urlOf)),
  }
}

/** Which settings are repaired, and not to what: those are the installation's own addresses. */
function describedComponent(
  { files, repairs, ...component }: KitComponent,
  urlOf: (sha256: string) => string,
): KitContentComponent {
  return {
    ...component,
    ...(repairs && { repairs: repairs.map(({ target, set }) => ({ target, keys: Object.keys(set) })) }),
    files: files.map((file) => ({ ...file, downloadUrl: urlOf(file.sha256) })),
  }
}
