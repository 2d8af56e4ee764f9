// oxlint-disable-next-line no-restricted-imports -- A publisher signs on a computer, not on a device.
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import {
  STATED_EMBEDDED,
  statedArchive,
  writeFilesManifest,
  writeReleaseStatement,
  writeTree,
  type NewReleaseStatement,
  utf8FromText,
} from '@hotpatch/protocol'
import { zipSync } from 'fflate'
import type { OfferedEncryption } from '../server/update-contract.ts'

export const APP_ID = '0192d5a0-0000-7000-8000-000000000001'

/** The kinds of content that the engine takes. */
export type TestedKind = 'archive' | 'files'

/** What of a release devices fetch in the place of its zip. */
export interface PublishedEncryption {
  bytes: Uint8Array
  offer: OfferedEncryption
}

export interface PublishedRelease {
  releaseId: string
  version: string
  sequence: number
  floor: number
  kind: TestedKind
  files: ReadonlyMap<string, Uint8Array>
  /** Its zip, or the list of its files. */
  bundle: Uint8Array
  /** Everything that is fetched, by its digest. */
  artifacts: ReadonlyMap<string, Uint8Array>
  sha256: string
  signature: string
  statement: string
  statementSignature: string
  encrypted?: PublishedEncryption
}

export interface NewRelease {
  version: string
  sequence: number
  floor?: number
  releaseId?: string
  files?: Record<string, string>
  /** Of files: the one that is run first. */
  launch?: string
  /** Instead of what is made from the files. */
  bundle?: Uint8Array
  statement?: Partial<NewReleaseStatement>
  /** Of the zip: then that is what devices fetch. */
  encrypted?: PublishedEncryption
}

/** Someone with a signing key; with a name always the same. */
export function createPublisher(kind: TestedKind = 'archive', name?: string) {
  const { privateKey, publicKey } = name === undefined ? generateKeyPairSync('ed25519') : keysOf(name)
  const rawKey = publicKey.export({ format: 'jwk' }).x ?? ''

  function publish({
    version,
    sequence,
    floor = 0,
    releaseId = `release-${version}`,
    ...rest
  }: NewRelease): PublishedRelease {
    const files = new Map(
      Object.entries(rest.files ?? someFiles(version)).map(([path, text]) => [path, utf8FromText(text)]),
    )
    const bundle = rest.bundle ?? (kind === 'archive' ? zipOf(files) : listOf(files, rest.launch))
    const sha256 = sha256Of(bundle)
    const tree = treeOf(files)
    const { encrypted } = rest
    const stated = state(privateKey, {
      version,
      sequence,
      floor,
      ...contentOf(kind, { sha256, sizeBytes: bundle.length, tree }, encrypted),
      ...rest.statement,
    })
    const artifacts = new Map([...files.values()].map((bytes) => [sha256Of(bytes), bytes]))
    if (encrypted) artifacts.set(encrypted.offer.sha256, encrypted.bytes)
    else artifacts.set(sha256, bundle)
    const signature = signed(privateKey, Buffer.from(sha256, 'hex'))
    const published = {
      releaseId,
      version,
      sequence,
      floor,
      kind,
      files,
      bundle,
      artifacts,
      sha256,
      signature,
      ...stated,
    }
    return encrypted ? { ...published, encrypted } : published
  }

  function orderEmbedded(sequence: number, floor = 0) {
    return state(privateKey, { ...STATED_EMBEDDED, sequence, floor })
  }

  const rawBytes = Buffer.from(rawKey, 'base64url')
  const keyId = createHash('sha256').update(rawBytes).digest('hex').slice(0, 16)
  return { publicKey: rawBytes.toString('base64'), keyId, privateKey, publish, orderEmbedded }
}

/** What stands before 32 raw bytes in PKCS #8. */
const PRIVATE_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex')

function keysOf(name: string): { privateKey: KeyObject; publicKey: KeyObject } {
  const seed = createHash('sha256').update(`TEST ONLY ${name}`).digest()
  const privateKey = createPrivateKey({ key: Buffer.concat([PRIVATE_PREFIX, seed]), format: 'der', type: 'pkcs8' })
  return { privateKey, publicKey: createPublicKey(privateKey) }
}

function state(key: KeyObject, statement: Partial<NewReleaseStatement>) {
  const bytes = Buffer.from(
    writeReleaseStatement({
      appId: APP_ID,
      platform: 'android',
      target: 'release',
      version: '0.0.0',
      sequence: 1,
      floor: 0,
      requirement: {},
      content: null,
      artifacts: [],
      createdAt: '2026-01-01T00:00:00.000Z',
      ...statement,
    }),
  )
  return { statement: bytes.toString('base64'), statementSignature: signed(key, bytes) }
}

function signed(key: KeyObject, bytes: Uint8Array): string {
  return sign(null, bytes, key).toString('base64')
}

export function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

function contentOf(
  kind: TestedKind,
  { sha256, sizeBytes, tree }: { sha256: string; sizeBytes: number; tree: string },
  encrypted: PublishedEncryption | undefined,
): Partial<NewReleaseStatement> {
  if (kind === 'archive') return statedArchive({ sha256, sizeBytes, tree, encrypted: encrypted && storedOf(encrypted) })
  return { content: { kind }, artifacts: [{ name: 'files.json', sha256, sizeBytes }] }
}

function storedOf({ offer: { sha256, sizeBytes } }: PublishedEncryption) {
  return { sha256, sizeBytes }
}

export function treeOf(files: ReadonlyMap<string, Uint8Array>): string {
  const listed = [...files].map(([path, bytes]) => ({ path, sha256: sha256Of(bytes), sizeBytes: bytes.length }))
  return sha256Of(utf8FromText(writeTree(listed)))
}

function zipOf(files: ReadonlyMap<string, Uint8Array>): Uint8Array {
  return zipSync(Object.fromEntries(files), { mtime: new Date(2026, 0, 1) })
}

function listOf(files: ReadonlyMap<string, Uint8Array>, launch: string | undefined): Uint8Array {
  const listed = [...files].map(([path, bytes]) => ({ path, sha256: sha256Of(bytes), sizeBytes: bytes.length }))
  return utf8FromText(writeFilesManifest({ ...(launch !== undefined && { launch }), files: listed }))
}

function someFiles(version: string): Record<string, string> {
  return {
    'index.bundle': `console.log("${version}")\n`.repeat(40),
    'assets/logo.svg': `<svg><!-- ${version} --></svg>`,
    // A name of its own, so that nothing of one version goes unnoticed in another's tree.
    [`assets/only-${version}.txt`]: version,
    'assets/fonts/a.txt': `font of ${version}`,
    'assets/fonts/same.txt': 'the same in every version',
    'assets/empty.txt': '',
  }
}
