import type { FileHandle } from 'node:fs/promises'
import type { ReadingLimits } from '../application.ts'
import { digestOf, readSignedMessage } from '../certificates.ts'
import { readPiece, type PackageZip } from '../package-zip.ts'
import { readingOf, refusal } from '../refusal.ts'

const MAGIC = Buffer.from('APK Sig Block 42')
const FOOTER_BYTES = 24
/** Signatures have some kilobytes; stores put more beside them. */
const MAX_BLOCK_BYTES = 16 * 1024 * 1024
const MAX_PAIRS = 1_000

const SCHEME_V2 = 0x7109_871a
const SCHEME_V3 = 0xf053_68c0
const SCHEME_V31 = 0x1b93_ad61
const PROOF_OF_ROTATION = 0x3ba0_6f8c
/** What an attribute of the scheme version 3 has behind its certificates: two versions of Android. */
const SDK_RANGE_BYTES = 8
const MAX_CERTIFICATES = 100

/**
 * Of who signed an APK, and of those whom that one has replaced. Android goes by the newest scheme that it knows and that
 * is there.
 * @returns none when nobody did
 */
export async function readApkCertificates(handle: FileHandle, zip: PackageZip, limits: ReadingLimits) {
  const block = await readSigningBlock(handle, zip.directoryOffset)
  const found = block ? readingOf('The APK Signing Block', () => certificatesOf(block)) : []
  const certificates = found.length > 0 ? found : await readJarCertificates(zip, limits)
  return [...new Set(certificates.map(digestOf))].slice(0, MAX_CERTIFICATES)
}

/** In front of the zip's directory: a size, pairs, the same size again and a mark. */
async function readSigningBlock(handle: FileHandle, directoryOffset: number): Promise<Buffer | undefined> {
  if (directoryOffset < FOOTER_BYTES) return undefined
  const footer = await readPiece(handle, directoryOffset - FOOTER_BYTES, FOOTER_BYTES)
  if (!footer.subarray(8).equals(MAGIC)) return undefined
  const sizeBytes = Number(footer.readBigUInt64LE(0))
  if (sizeBytes < FOOTER_BYTES || sizeBytes > Math.min(MAX_BLOCK_BYTES, directoryOffset - 8)) {
    throw refusal(`Expected an APK Signing Block of at most ${MAX_BLOCK_BYTES} bytes, found ${sizeBytes}.`)
  }
  return readPiece(handle, directoryOffset - sizeBytes, sizeBytes - FOOTER_BYTES)
}

function certificatesOf(pairs: Buffer): Buffer[] {
  const schemes = readPairs(pairs)
  for (const id of [SCHEME_V31, SCHEME_V3, SCHEME_V2]) {
    const value = schemes.get(id)
    if (!value) continue
    const signers = prefixedIn(onlyPrefixed(value))
    if (signers.length > 0) return signers.flatMap((signer) => ofSigner(signer, id !== SCHEME_V2))
  }
  return []
}

function readPairs(bytes: Buffer): Map<number, Buffer> {
  const pairs = new Map<number, Buffer>()
  for (let at = 0; at < bytes.length;) {
    const length = Number(bytes.readBigUInt64LE(at))
    if (length < 4 || at + 8 + length > bytes.length || pairs.size >= MAX_PAIRS) {
      throw refusal(`Expected pairs within ${bytes.length} bytes of the APK Signing Block, found ${length} at ${at}.`)
    }
    pairs.set(bytes.readUInt32LE(at + 8), bytes.subarray(at + 12, at + 8 + length))
    at += 8 + length
  }
  return pairs
}

function ofSigner(signer: Buffer, isV3: boolean): Buffer[] {
  const signedData = onlyPrefixed(signer)
  const digests = onlyPrefixed(signedData)
  const afterDigests = signedData.subarray(4 + digests.length)
  const list = onlyPrefixed(afterDigests)
  const [own] = prefixedIn(list)
  if (!own) throw refusal('Expected a signer with its certificate in the APK Signing Block, found one without.')
  if (!isV3) return [own]
  const attributes = onlyPrefixed(afterDigests.subarray(4 + list.length + SDK_RANGE_BYTES))
  const rotation = prefixedIn(attributes).find((each) => each.readUInt32LE(0) === PROOF_OF_ROTATION)
  // The oldest first, and at last its own.
  return rotation ? [own, ...prefixedIn(rotation.subarray(8)).map(replaced).reverse()] : [own]
}

/** One step of a lineage: what its predecessor signed, of which the first is the certificate. */
function replaced(step: Buffer): Buffer {
  return onlyPrefixed(onlyPrefixed(step))
}

function onlyPrefixed(bytes: Buffer): Buffer {
  const length = bytes.readUInt32LE(0)
  if (4 + length > bytes.length) throw refusal(`Expected ${length} bytes, found ${bytes.length - 4}.`)
  return bytes.subarray(4, 4 + length)
}

function prefixedIn(bytes: Buffer): Buffer[] {
  const parts: Buffer[] = []
  for (let at = 0; at < bytes.length && parts.length < MAX_CERTIFICATES;) {
    const part = onlyPrefixed(bytes.subarray(at))
    parts.push(part)
    at += 4 + part.length
  }
  return parts
}

const JAR_SIGNATURE = /^META-INF\/[^/]+\.(RSA|DSA|EC)$/i
const MAX_JAR_SIGNERS = 10

/** Of the oldest scheme, which an AAB has as well. */
export async function readJarCertificates(zip: PackageZip, limits: ReadingLimits): Promise<Buffer[]> {
  const certificates: Buffer[] = []
  for (const path of zip.paths.filter((each) => JAR_SIGNATURE.test(each)).slice(0, MAX_JAR_SIGNERS)) {
    const bytes = await zip.read(path, limits.maxManifestBytes)
    const { certificate } = bytes ? readSignedMessage(bytes, path) : {}
    if (certificate) certificates.push(certificate)
  }
  return certificates
}
