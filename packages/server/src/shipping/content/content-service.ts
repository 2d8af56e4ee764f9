import type { Artifact, NewRelease, NewReleaseContent, ReadApplication, ReleaseContent } from '@hotpatch/api'
import {
  MAX_FILES_MANIFEST_BYTES,
  problem,
  readFilesManifest,
  type ContentKindName,
  type ManifestFile,
} from '@hotpatch/protocol'
import type { Connection } from '../../ground/database/schema.ts'
import { artifactUrl } from '../../ground/http/public-url.ts'
import { artifactMissing, asPart, type ArtifactService, type CheckedArtifact } from '../artifacts/artifact-service.ts'
import type { SpooledUpload, SpoolPart, UploadSpool } from '../artifacts/upload-spool.ts'
import type {
  CheckedBytes,
  ContentAmount,
  ContentLimits,
  Objection,
  OwnedBytes,
  ReceivedBytes,
  ReleaseFile,
  StatedContent,
  ToldAmounts,
  ToldBytes,
  UnpackedBytes,
} from './content-kind.ts'
import { insertReleaseFiles, listEarlierFacts, listFilesOf, type StoredFile } from './content-queries.ts'
import { isCompressedAlready, MIN_COMPRESSED_BYTES } from './file-types.ts'
import { receiveFiles } from './receive-files.ts'
import { contentKind, type ContentFacts, type OfferedContent } from './kinds.ts'

/** A refusal names no more: whoever wants to know all asks for them. */
const MAX_NAMED_MISSING = 100

/** Bytes that a release is made of, and what their kind knows of them. */
export interface StoredUpload extends CheckedBytes<ContentFacts> {
  kind: ContentKindName
  /** What was unpacked of them, where devices can take that file by file. */
  files: readonly ManifestFile[]
}

/** An upload that was checked and is not stored yet. */
export interface ReceivedContent extends SpooledUpload, StoredUpload {
  sha512: string | undefined
  unpacked: readonly UnpackedBytes[]
  expoExport: string | undefined
}

/** What a release consists of. */
export interface StoredContent {
  kind: ContentKindName
  /** Those that the publish named, in its order. */
  uploads: readonly StoredUpload[]
  files: readonly ReleaseFile[]
  /** What orders the release, where its files say that. */
  versionCode: number | undefined
  /** By which clients know it, where its tool gives builds one. */
  buildId: string | undefined
  /** What is new, where its files say that. */
  notes: string | undefined
  /** Of the file that is run first, where clients take patches of that file alone. */
  launchSha256: string | undefined
}

/** Of the parts of a publish, those that are about its content. */
export type NewContent = Pick<NewRelease, 'platform' | 'version' | 'versionCode' | 'content'>

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
   * @param sha256 what it is to have, where that is known: of other bytes nobody need know what is wrong inside
   * @throws problem body-too-large, request-timeout, hash-mismatch, and what the kind refuses
   */
  async function receive(
    stream: AsyncIterable<Uint8Array>,
    {
      kind: kindName = 'archive',
      name,
      appId,
      signal,
      sha256,
    }: ReceiveOptions & { appId?: string; sha256?: string } = {},
  ): Promise<ReceivedContent> {
    const kind = contentKind(kindName)
    const { wantsSha512 } = kind
    const upload = await spool.receive(stream, { maxBytes: kind.maxBytes(limits), wantsSha512 })
    const spooled: { discard(): Promise<void> }[] = [upload]
    const discard = async () => void (await Promise.all(spooled.map((each) => each.discard())))
    async function begin(): Promise<SpoolPart> {
      const part = await spool.begin()
      spooled.push(part)
      return part
    }
    try {
      if (sha256 !== undefined && upload.sha256 !== sha256) {
        throw problem('hash-mismatch', `Expected bytes with the SHA-256 ${sha256}, received ${upload.sha256}.`)
      }
      // The disk takes about as long as checking the bytes does: both at once.
      const flushed = upload.flush()
      flushed.catch(() => undefined) // told when the bytes were checked
      const {
        facts,
        files = [],
        unpacked = [],
        expoExport,
      } = await kind.check({ ...upload, name }, limits, {
        owned: appId === undefined ? undefined : ownedBy(appId),
        begin,
        signal,
      })
      await flushed
      return { ...upload, kind: kindName, facts, files, unpacked, expoExport, discard }
    } catch (error) {
      await discard()
      throw error
    }
  }

  /**
   * Takes bytes before the release that they are for: how long they are on their way then matters to nobody else.
   * @throws problem hash-mismatch, and those of `receive`
   */
  async function upload(
    appId: string,
    stream: AsyncIterable<Uint8Array>,
    sha256: string,
    as: ReceiveOptions = {},
  ): Promise<StoredUpload> {
    const received = await receive(stream, { ...as, appId, sha256 })
    try {
      await keep(received)
      await artifacts.hold(appId, artifactsOf(received))
      return received
    } finally {
      await received.discard()
    }
  }

  /** Makes the bytes durable, those of every file, too. */
  function keep(received: ReceivedContent): Promise<void> {
    return artifacts.keep([received, ...received.unpacked])
  }

  /**
   * Of a kind, and of an app: nobody learns by a digest what another one has. Undefined as well when some of the bytes
   * were lost or cut since, or were never looked at as that: then they are to be uploaded again.
   */
  async function find(
    appId: string,
    sha256: string,
    kind: ContentKindName = 'archive',
  ): Promise<StoredUpload | undefined> {
    const found = await artifacts.find(appId, sha256, kind)
    if (!found) return undefined
    const facts = JSON.parse(found.facts) as ContentFacts
    const files = facts.list ? await readList(facts.list.sha256) : []
    if (!files || !(await artifacts.areStored([...files, ...(facts.parts ?? [])]))) return undefined
    return { kind, sha256, sizeBytes: found.sizeBytes, facts, files }
  }

  async function readList(sha256: string): Promise<readonly ManifestFile[] | undefined> {
    const list = await artifacts.readText(sha256, MAX_FILES_MANIFEST_BYTES)
    return list === undefined ? undefined : readFilesManifest(list).files
  }

  /**
   * What a publish is about: what came along, or came before under the digests that it names.
   * @throws problem invalid-request, artifact-missing, hash-mismatch, size-mismatch or content-unfit
   */
  async function resolve(
    appId: string,
    input: NewContent,
    received: ReceivedContent | undefined,
  ): Promise<StoredContent> {
    const wish = wishOf(input)
    const { kind: name } = wish.content
    const kind = contentKind(name)
    if (received && received.kind !== name) {
      const expected = `Expected each file of content of the kind ${name} to be uploaded before`
      throw problem('invalid-request', `${expected}, found one that came along.`)
    }
    const told = kind.told(wish.content)
    const uploads = received ? [received] : await findTold(appId, name, told)
    for (const [index, each] of told.entries()) requireSameBytes(each, uploads[index])
    kind.requireFit(uploads, wish)
    return {
      kind: name,
      uploads,
      files: kind.filesOf(uploads, wish),
      versionCode: kind.versionCodeOf?.(uploads),
      buildId: kind.buildIdOf?.(uploads),
      notes: kind.notesOf?.(uploads),
      launchSha256: kind.launchSha256Of?.(uploads, wish.platform),
    }
  }

  async function findTold(appId: string, kind: ContentKindName, told: readonly ToldBytes[]): Promise<StoredUpload[]> {
    const uploads: StoredUpload[] = []
    for (const { sha256 } of told) {
      if (sha256 === undefined) {
        const expected = 'a file part "bundle" with the zip, or content.sha256 of one that was uploaded'
        throw problem('invalid-request', `Expected ${expected}; found neither.`)
      }
      const upload = await find(appId, sha256, kind)
      if (!upload) throw artifactMissing(sha256)
      uploads.push(upload)
    }
    return uploads
  }

  /**
   * In the transaction that makes the release, and before.
   * @returns what speaks against it and was accepted
   * @throws problem content-opposed, or invalid-request for a word that accepts nothing
   */
  async function requireUnopposed(
    tx: Connection,
    appId: string,
    input: NewContent,
    { uploads }: StoredContent,
  ): Promise<readonly Objection[]> {
    const { accept, objections } = await findObjections(tx, appId, wishOf(input), uploads)
    const [first, ...others] = objections.filter((each) => !accept.includes(each.name))
    if (!first) return objections
    const more = others.length === 0 ? '' : ` (and ${others.length} more)`
    const detail = `${first.file}: expected ${first.expected}, found ${first.found}${more}.`
    throw problem('content-opposed', detail, { objections: [first, ...others] })
  }

  /**
   * What a publish would be told, before its bytes are here.
   * @returns also what is accepted, which is told as such
   */
  async function previewObjections(
    connection: Connection,
    appId: string,
    { applications = [], ...input }: NewContent & { applications?: readonly ReadApplication[] | undefined },
  ): Promise<(Objection & { isAccepted: boolean })[]> {
    const wish = wishOf(input)
    const kind = contentKind(wish.content.kind)
    const claimed = kind.claimed?.(wish.content, applications) ?? []
    const uploads: CheckedBytes<ContentFacts>[] = []
    for (const { sha256 } of kind.told(wish.content)) {
      const stored = sha256 === undefined ? undefined : await find(appId, sha256, wish.content.kind)
      uploads.push(...(stored ? [stored] : claimed.filter((each) => each.sha256 === sha256)))
    }
    const { accept, objections } = await findObjections(connection, appId, wish, uploads)
    return objections.map((each) => ({ ...each, isAccepted: accept.includes(each.name) }))
  }

  async function findObjections(
    connection: Connection,
    appId: string,
    wish: ReturnType<typeof wishOf>,
    uploads: readonly CheckedBytes<ContentFacts>[],
  ): Promise<{ accept: readonly string[]; objections: Objection[] }> {
    const { kind: name } = wish.content
    const kind = contentKind(name)
    if (!kind.objections) return { accept: [], objections: [] }
    const accept = 'accept' in wish.content ? (wish.content.accept ?? []) : []
    requireKnownWords(accept, kind.objectionNames ?? [])
    const before: string[] = []
    for (const formats of kind.comparedFormats?.(wish) ?? []) {
      before.push(...(await listEarlierFacts(connection, { appId, kind: name, formats })))
    }
    const facts = before.map((text) => JSON.parse(text) as ContentFacts)
    return { accept, objections: kind.objections(uploads, wish, facts) }
  }

  /** Whether the app has sent all that a publish names. */
  async function isUploaded(appId: string, content: NewReleaseContent | undefined): Promise<boolean> {
    if (!content) return false
    for (const { sha256 } of contentKind(content.kind).told(content)) {
      if (sha256 === undefined || !(await find(appId, sha256, content.kind))) return false
    }
    return true
  }

  /** In the transaction that makes the release. */
  async function addTo(tx: Connection, releaseId: string, content: StoredContent): Promise<void> {
    await insertReleaseFiles(tx, releaseId, content.files)
  }

  /**
   * In the same transaction, and before.
   * @param received what came along; else it was uploaded before
   * @throws problem artifact-missing
   */
  async function own(
    tx: Connection,
    appId: string,
    uploads: readonly StoredUpload[],
    received: ReceivedContent | undefined,
  ): Promise<void> {
    const registered = received ? artifactsOf(received) : []
    await artifacts.register(tx, registered)
    const keys = [...new Set(uploads.flatMap(keysOf))]
    const isRegistered = new Set(registered.map(({ sha256 }) => sha256))
    const before = keys.filter((key) => !isRegistered.has(key))
    if (before.length > 0) await artifacts.claim(tx, before)
    await artifacts.own(tx, appId, keys)
    await artifacts.leaveUncompressed(tx, uploads.flatMap(compressedOf))
  }

  function ownedBy(appId: string): OwnedBytes {
    return {
      async requireAll(files) {
        const missing = await artifacts.listMissing(appId, files)
        const [first] = missing
        if (!first) return
        const named = missing.slice(0, MAX_NAMED_MISSING).map(({ sha256 }) => sha256)
        const { sha256, sizeBytes, foundBytes } = first
        if (foundBytes === undefined) {
          const all = files.length
          const detail = `Expected all ${all} files to be uploaded before, found ${missing.length} missing: ${sha256} first.`
          throw problem('artifact-missing', detail, { missing: named })
        }
        throw problem('size-mismatch', `${sha256}: expected ${sizeBytes} bytes, found ${foundBytes}.`, {
          missing: named,
        })
      },
      readText: artifacts.readText,
    }
  }

  /** What was announced and is more than the server takes. */
  function tooMuch(told: ToldAmounts): ContentAmount[] {
    const kind = contentKind(told.content?.kind ?? 'archive')
    return kind.amounts(told, limits).filter(({ found = 0, most }) => found > most)
  }

  /** Bytes that nothing is known of, as what is encrypted; the caller's to discard. */
  function receiveBytes(stream: AsyncIterable<Uint8Array>): Promise<SpooledUpload> {
    return spool.receive(stream, { maxBytes: limits.maxBytes })
  }

  /** Of one upload of a kind. */
  function maxUploadBytes(kind: ContentKindName): number {
    return contentKind(kind).maxBytes(limits)
  }

  return {
    limits,
    maxUploadBytes,
    receive,
    receiveBytes,
    receiveFiles: (stream: AsyncIterable<Uint8Array>) => receiveFiles(stream, { spool, limits }),
    upload,
    find,
    isUploaded,
    previewObjections,
    requireUnopposed,
    resolve,
    keep,
    own,
    addTo,
    tooMuch,
  }
}

function requireKnownWords(accept: readonly string[], known: readonly string[]): void {
  const unknown = accept.find((word) => !known.includes(word))
  if (unknown === undefined) return
  throw problem('invalid-request', `content.accept: expected some of ${known.join(', ')}, found "${unknown}".`)
}

export interface ReceiveOptions {
  /** An archive when absent. */
  kind?: ContentKindName
  /** That the file has elsewhere. */
  name?: string | undefined
  signal?: AbortSignal
}

function wishOf({ platform, version, versionCode, content = { kind: 'archive' } }: NewContent) {
  return { platform, version, versionCode, content }
}

function requireSameBytes({ sha256, sizeBytes }: ToldBytes, found: ReceivedBytes | undefined): void {
  if (sha256 !== undefined && sha256 !== found?.sha256) {
    throw problem('hash-mismatch', `Expected bytes with the SHA-256 ${sha256}, received ${found?.sha256}.`)
  }
  if (found && sizeBytes !== undefined && sizeBytes !== found.sizeBytes) {
    throw problem('size-mismatch', `Expected ${sizeBytes} bytes, received ${found.sizeBytes}.`)
  }
}

/** What its kind says of bytes that are there before their release. */
export function describeUpload(upload: StoredUpload, publicUrl: string): Artifact {
  return contentKind(upload.kind).describeUpload(upload, artifactUrl(publicUrl, upload.sha256))
}

/** What its kind says of it to whoever asks. */
export function describeContent({ kind, files, uploads }: StoredContent, publicUrl: string): ReleaseContent {
  return contentKind(kind).describe(files, factsOf(uploads), (sha256) => artifactUrl(publicUrl, sha256))
}

function factsOf(uploads: StoredContent['uploads']) {
  const facts = new Map(uploads.map((upload) => [upload.sha256, upload.facts]))
  return (sha256: string): ContentFacts | undefined => facts.get(sha256)
}

/** The same, of a release that is there. */
export function renderContent(kind: ContentKindName, files: readonly StoredFile[], publicUrl: string): ReleaseContent {
  return contentKind(kind).describe(files, factsIn(files), (sha256) => artifactUrl(publicUrl, sha256))
}

/** What a catalog carries of a release that is there. */
export function offeredContent(kind: ContentKindName, files: readonly StoredFile[]): OfferedContent {
  return contentKind(kind).offered(files, factsIn(files))
}

/** Read when they are asked for: a catalog is of many releases. */
function factsIn(files: readonly StoredFile[]) {
  return (sha256: string): ContentFacts | undefined => {
    const text = files.find((file) => file.sha256 === sha256)?.facts ?? null
    return text === null ? undefined : (JSON.parse(text) as ContentFacts)
  }
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
export function statedOf({ kind, files, uploads }: StoredContent): StatedContent {
  return contentKind(kind).stated(files, factsOf(uploads))
}

/** The same, of a publish of which only this is known so far; undefined when that is not enough. */
export function statedOfWish(input: NewContent): StatedContent | undefined {
  const wish = wishOf(input)
  const kind = contentKind(wish.content.kind)
  if (kind.isStatedByBytes) return undefined
  const bytes: ReceivedBytes[] = []
  for (const { sha256, sizeBytes = 0 } of kind.told(wish.content)) {
    if (sha256 === undefined) return undefined
    bytes.push({ sha256, sizeBytes })
  }
  return kind.stated(kind.filesOf(bytes, wish), () => undefined)
}

/** The same, of a release that is there. */
export async function statedOfRelease(db: Connection, { id, kind }: ReleaseOfKind): Promise<StatedContent> {
  const files = (await listFilesOf(db, [id])).get(id) ?? []
  return contentKind(kind).stated(files, factsIn(files))
}

interface ReleaseOfKind {
  id: string
  kind: ContentKindName
}

/** What is stored of it, each once: two files may be the same. */
function artifactsOf({ kind, sha256, sizeBytes, facts, unpacked, expoExport }: ReceivedContent): CheckedArtifact[] {
  const contentType = contentKind(kind).contentTypeOf(facts)
  const known = { kind, text: JSON.stringify(facts) }
  const whole = {
    sha256,
    sizeBytes,
    contentType,
    facts: known,
    ...(expoExport !== undefined && { expoExport }),
    awaitsCompression: false,
    awaitsPacking: sizeBytes >= MIN_COMPRESSED_BYTES && contentKind(kind).canBePacked(facts),
  }
  const parts = unpacked.map((part) => ({ ...asPart(part), awaitsCompression: part.awaitsCompression }))
  return [...new Map([...parts, whole].map((each) => [each.sha256, each])).values()]
}

/** Nothing is gained by trying to make them smaller. */
function compressedOf({ files }: StoredUpload): string[] {
  const compressed = files.filter(({ path, contentType = '' }) => isCompressedAlready(path, contentType))
  return [...new Set(compressed.map(({ sha256 }) => sha256))]
}

/** Whose bytes a release has, that of the content itself first. */
function keysOf({ sha256, facts, files }: StoredUpload): string[] {
  const parts = [...(facts.list ? [facts.list] : []), ...(facts.parts ?? []), ...files]
  return [...new Set([sha256, ...parts.map((part) => part.sha256)])]
}
