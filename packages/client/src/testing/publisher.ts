// oxlint-disable-next-line no-restricted-imports -- A publisher signs on a computer, not on a device.
import { createHash, generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import { writeReleaseStatement, type NewReleaseStatement, STATED_EMBEDDED, statedArchive } from '@hotpatch/protocol'
import { zipSync } from 'fflate'
import { utf8FromText } from '../ground/bytes.ts'

export const APP_ID = '0192d5a0-0000-7000-8000-000000000001'

export interface PublishedRelease {
  releaseId: string
  version: string
  sequence: number
  floor: number
  files: ReadonlyMap<string, Uint8Array>
  zip: Uint8Array
  sha256: string
  signature: string
  statement: string
  statementSignature: string
}

export interface NewRelease {
  version: string
  sequence: number
  floor?: number
  releaseId?: string
  files?: Record<string, string>
  /** Instead of one made from the files. */
  zip?: Uint8Array
  statement?: Partial<NewReleaseStatement>
}

/** Someone with a signing key. */
export function createPublisher() {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
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
    const zip = rest.zip ?? zipSync(Object.fromEntries(files), { mtime: new Date(2026, 0, 1) })
    const digest = createHash('sha256').update(zip).digest()
    const sha256 = digest.toString('hex')
    const content = statedArchive({ sha256, sizeBytes: zip.length })
    const stated = state(privateKey, { version, sequence, floor, ...content, ...rest.statement })
    return { releaseId, version, sequence, floor, files, zip, sha256, signature: signed(privateKey, digest), ...stated }
  }

  function orderEmbedded(sequence: number, floor = 0) {
    return state(privateKey, { ...STATED_EMBEDDED, sequence, floor })
  }

  const rawBytes = Buffer.from(rawKey, 'base64url')
  const keyId = createHash('sha256').update(rawBytes).digest('hex').slice(0, 16)
  return { publicKey: rawBytes.toString('base64'), keyId, privateKey, publish, orderEmbedded }
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

function someFiles(version: string): Record<string, string> {
  return {
    'index.bundle': `console.log("${version}")\n`.repeat(40),
    'assets/logo.svg': `<svg><!-- ${version} --></svg>`,
    // A name of its own, so that nothing of one version goes unnoticed in another's tree.
    [`assets/only-${version}.txt`]: version,
    'assets/fonts/a.txt': `font of ${version}`,
  }
}
