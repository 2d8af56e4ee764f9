import type { NewRelease, ReleaseContent } from '@hotpatch/api'
import {
  MAX_FILES_MANIFEST_BYTES,
  problem,
  readFilesManifest,
  type ContentKindName,
  type ManifestFile,
} from '@hotpatch/protocol'
import type { Connection } from '../../ground/database/schema.ts'
import { artifactUrl } from '../../ground/http/public-url.ts'
import {
  artifactMissing,
  asPart,
  NO_FACTS,
  type ArtifactService,
  type CheckedArtifact,
} from '../artifacts/artifact-service.ts'
import type { SpooledUpload, SpoolPart, UploadSpool } from '../artifacts/upload-spool.ts'
import type {
  ContentAmount,
  ContentLimits,
  ContentWish,
  ReceivedBytes,
  StatedContent,
  ToldAmounts,
  UnpackedBytes,
} from './content-kind.ts'
import { insertReleaseFiles, listFilesOf, type StoredFile } from './content-queries.ts'
import { receiveFiles } from './receive-files.ts'
import { contentKind, UPLOADED_KIND, type ContentFacts, type ServedKind } from './kinds.ts'

/** Bytes that are a release's content, and what their kind knows of them. */
export interface StoredContent {
  kind: ContentKindName
  sha256: string
  sizeBytes: number
  facts: ContentFacts
  /** What was unpacked of them, where devices can take that file by file. */
  files: readonly ManifestFile[]
}

/** An upload that was checked and is not stored yet. */
export interface ReceivedContent extends SpooledUpload, StoredContent {
  unpacked: readonly UnpackedBytes[]
}

export type ContentService = ReturnType<typeof createContentService>

/** The way that every kind of content takes: receive, check, keep, and become a release's files. */
export function createContentService({
  artifacts,
  spool,
  limits,
}: {
  artifacts: ArtifactService
  spool: UploadSpool
  limits: ContentLimits
}) {
  /**
   * The upload is the caller's to `discard`, whatever happens after this.
   * @throws problem body-too-large, request-timeout, and what the kind refuses
   */
  async function receive(
    stream: AsyncIterable<Uint8Array>,
    { kind: { name, check } = UPLOADED_KIND, signal }: { kind?: ServedKind; signal?: AbortSignal } = {},
  ): Promise<ReceivedContent> {
    const upload = await spool.receive(stream)
    const spooled: { discard(): Promise<void> }[] = [upload]
    const discard = async () => void (await Promise.all(spooled.map((each) => each.discard())))
    async function begin(): Promise<SpoolPart> {
      const part = await spool.begin()
      spooled.push(part)
      return part
    }
    try {
      // The disk takes about as long as checking the bytes does: both at once.
      const flushed = upload.flush()
      flushed.catch(() => undefined) // told when the bytes were checked
      const { facts, files = [], unpacked = [] } = await check(upload.path, limits, { begin, signal })
      await flushed
      return { ...upload, kind: name, facts, files, unpacked, discard }
    } catch (error) {
      await discard()
      throw error
    }
  }

  /**
   * Takes bytes before the release that they are for: how long they are on their way then matters to nobody else.
   * @throws problem hash-mismatch, and those of `receive`
   */
  async function upload(stream: AsyncIterable<Uint8Array>, sha256: string): Promise<StoredContent> {
    const received = await receive(stream)
    try {
      if (received.sha256 !== sha256) {
        throw problem('hash-mismatch', `Expected bytes with the SHA-256 ${sha256}, received ${received.sha256}.`)
      }
      await keep(received)
      await artifacts.hold(artifactsOf(received))
      return received
    } finally {
      await received.discard()
    }
  }

  /** Makes the bytes durable, those of every file, too. */
  function keep(received: ReceivedContent): Promise<void> {
    return artifacts.keep([received, ...received.unpacked])
  }

  /** Undefined as well when some of the bytes were lost or cut since: then they are to be uploaded again. */
  async function find(sha256: string): Promise<StoredContent | undefined> {
    const found = await artifacts.find(sha256)
    // It may be here as a file of a release, and was never looked at as anything else.
    if (!found || found.facts === NO_FACTS) return undefined
    const facts = JSON.parse(found.facts) as ContentFacts
    const files = facts.list ? await readList(facts.list.sha256) : []
    if (!files || !(await artifacts.areStored(files))) return undefined
    return { kind: facts.kind, sha256, sizeBytes: found.sizeBytes, facts, files }
  }

  async function readList(sha256: string): Promise<readonly ManifestFile[] | undefined> {
    const list = await artifacts.readText(sha256, MAX_FILES_MANIFEST_BYTES)
    return list === undefined ? undefined : readFilesManifest(list).files
  }

  /**
   * What a publish is about: what came along, or came before under the digest that it names.
   * @throws problem invalid-request, artifact-missing, hash-mismatch, size-mismatch or content-unfit
   */
  async function resolve(input: NewRelease, received: ReceivedContent | undefined): Promise<StoredContent> {
    const content = received ?? (await findNamed(input))
    if (input.sha256 !== undefined && input.sha256 !== content.sha256) {
      throw problem('hash-mismatch', `Expected bytes with the SHA-256 ${input.sha256}, received ${content.sha256}.`)
    }
    if (input.sizeBytes !== undefined && input.sizeBytes !== content.sizeBytes) {
      throw problem('size-mismatch', `Expected ${input.sizeBytes} bytes, received ${content.sizeBytes}.`)
    }
    requireFit(content, input)
    return content
  }

  async function findNamed({ sha256 }: NewRelease): Promise<StoredContent> {
    if (sha256 === undefined) {
      const detail =
        'Expected a file part "bundle" with the zip, or metadata.sha256 of one that was uploaded; found neither.'
      throw problem('invalid-request', detail)
    }
    const content = await find(sha256)
    if (!content) throw artifactMissing(sha256)
    return content
  }

  /** @throws problem content-unfit */
  function requireFit({ kind, facts }: StoredContent, wish: ContentWish): void {
    contentKind(kind).requireFit(facts, wish)
  }

  /** In the transaction that makes the release. */
  async function addTo(tx: Connection, releaseId: string, content: StoredContent): Promise<void> {
    await insertReleaseFiles(tx, releaseId, contentKind(content.kind).filesOf(content))
  }

  /**
   * In the same transaction, and before.
   * @param received what came along; else it was uploaded before
   * @throws problem artifact-missing
   */
  function own(tx: Connection, content: StoredContent, received: ReceivedContent | undefined): Promise<void> {
    return received ? artifacts.register(tx, artifactsOf(received)) : artifacts.claim(tx, keysOf(content))
  }

  /** What was announced and is more than the server takes. */
  function tooMuch(told: ToldAmounts): ContentAmount[] {
    return UPLOADED_KIND.amounts(told, limits).filter(({ found = 0, most }) => found > most)
  }

  /** Bytes that nothing is known of, as what is encrypted; the caller's to discard. */
  function receiveBytes(stream: AsyncIterable<Uint8Array>): Promise<SpooledUpload> {
    return spool.receive(stream)
  }

  return {
    limits,
    receive,
    receiveBytes,
    receiveFiles: (stream: AsyncIterable<Uint8Array>) => receiveFiles(stream, { spool, limits }),
    upload,
    find,
    resolve,
    keep,
    own,
    addTo,
    tooMuch,
  }
}

/** What its kind says of it to whoever asks. */
export function describeContent(content: StoredContent, publicUrl: string): ReleaseContent {
  const kind = contentKind(content.kind)
  return kind.describe(kind.filesOf(content), content.facts, (sha256) => artifactUrl(publicUrl, sha256))
}

/** The same, of a release that is there. */
export function renderContent(kind: ContentKindName, files: readonly StoredFile[], publicUrl: string): ReleaseContent {
  const [facts = '{}'] = files.flatMap((file) => file.facts ?? [])
  const urlOf = (sha256: string) => artifactUrl(publicUrl, sha256)
  return contentKind(kind).describe(files, JSON.parse(facts) as ContentFacts, urlOf)
}

/** The same, when only the release is at hand. */
export async function findContent(
  db: Connection,
  { id, kind }: ReleaseOfKind,
  publicUrl: string,
): Promise<ReleaseContent> {
  const files = await listFilesOf(db, [id])
  return renderContent(kind, files.get(id) ?? [], publicUrl)
}

/** What a statement must say of it (Signing §4). */
export function statedOf(content: StoredContent): StatedContent {
  const kind = contentKind(content.kind)
  return kind.stated(kind.filesOf(content))
}

/** The same, of bytes of which only this is known so far. */
export function statedOfUpload(bytes: ReceivedBytes): StatedContent {
  return UPLOADED_KIND.stated(UPLOADED_KIND.filesOf(bytes))
}

/** The same, of a release that is there. */
export async function statedOfRelease(db: Connection, { id, kind }: ReleaseOfKind): Promise<StatedContent> {
  const files = await listFilesOf(db, [id])
  return contentKind(kind).stated(files.get(id) ?? [])
}

interface ReleaseOfKind {
  id: string
  kind: ContentKindName
}

/** What is stored of it, each once: two files may be the same. */
function artifactsOf({ kind, sha256, sizeBytes, facts, unpacked }: ReceivedContent): CheckedArtifact[] {
  const { contentType } = contentKind(kind)
  const whole = { sha256, sizeBytes, contentType, facts: JSON.stringify(facts), awaitsCompression: false }
  const parts = unpacked.map((part) => ({ ...asPart(part), awaitsCompression: part.awaitsCompression }))
  return [...new Map([...parts, whole].map((each) => [each.sha256, each])).values()]
}

/** Whose bytes a release has, that of the content itself first. */
function keysOf({ sha256, facts, files }: StoredContent): string[] {
  const list = facts.list ? [facts.list.sha256] : []
  return [...new Set([sha256, ...list, ...files.map((file) => file.sha256)])]
}
