import type { Artifact, NewRelease } from '@hotpatch/api'
import { problem, type ContentKindName } from '@hotpatch/protocol'
import type { Connection } from '../../ground/database/schema.ts'
import { artifactUrl } from '../../ground/http/public-url.ts'
import { artifactMissing, type ArtifactService } from '../artifacts/artifact-service.ts'
import type { SpooledUpload, UploadSpool } from '../artifacts/upload-spool.ts'
import type { ContentAmount, ContentLimits, ContentWish, StatedContent, ToldAmounts } from './content-kind.ts'
import { insertReleaseFiles, listFilesOf, type StoredFile } from './content-queries.ts'
import { contentKind, UPLOADED_KIND, type ContentFacts, type ServedKind } from './kinds.ts'

/** Bytes that are a release's content, and what their kind knows of them. */
export interface StoredContent {
  kind: ContentKindName
  sha256: string
  sizeBytes: number
  facts: ContentFacts
}

/** An upload that was checked and is not stored yet. */
export interface ReceivedContent extends SpooledUpload, StoredContent {}

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
    try {
      return { ...upload, kind: name, facts: await check(upload.path, limits, signal) }
    } catch (error) {
      await upload.discard()
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
      await artifacts.keep(received)
      await artifacts.hold(artifactOf(received))
      return received
    } finally {
      await received.discard()
    }
  }

  /** Undefined as well when the bytes were lost or cut since: then they are to be uploaded again. */
  async function find(sha256: string): Promise<StoredContent | undefined> {
    const found = await artifacts.find(sha256)
    if (!found) return undefined
    const facts = JSON.parse(found.facts) as ContentFacts
    return { kind: facts.kind, sha256, sizeBytes: found.sizeBytes, facts }
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
    return received ? artifacts.register(tx, artifactOf(received)) : artifacts.claim(tx, content.sha256)
  }

  /** What was announced and is more than the server takes. */
  function tooMuch(told: ToldAmounts): ContentAmount[] {
    return UPLOADED_KIND.amounts(told, limits).filter(({ found = 0, most }) => found > most)
  }

  return { limits, receive, upload, find, resolve, keep: artifacts.keep, own, addTo, tooMuch }
}

/** What its kind says of it to whoever asks. */
export function describeContent(content: StoredContent): Artifact {
  const kind = contentKind(content.kind)
  return kind.describe(kind.filesOf(content), content.facts)
}

/** The same, of a release that is there, and where its bytes are. */
export function renderContent(kindName: ContentKindName, files: readonly StoredFile[], publicUrl: string) {
  const kind = contentKind(kindName)
  const [facts = '{}'] = files.flatMap((file) => file.facts ?? [])
  const described = kind.describe(files, JSON.parse(facts) as ContentFacts)
  return { ...described, downloadUrl: artifactUrl(publicUrl, described.sha256) }
}

/** What a statement must say of it (Signing §4). */
export function statedOf(content: StoredContent): StatedContent {
  const kind = contentKind(content.kind)
  return kind.stated(kind.filesOf(content))
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

function artifactOf({ kind, sha256, sizeBytes, facts }: StoredContent) {
  return { sha256, sizeBytes, contentType: contentKind(kind).contentType, facts: JSON.stringify(facts) }
}
