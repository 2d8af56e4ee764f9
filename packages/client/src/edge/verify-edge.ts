import type { CryptoPort } from '@hotpatch/device-ground'
import {
  MAX_EDGE_DOCUMENT_BYTES,
  readEdgeKeyDocument,
  readEdgePointer,
  timeOf,
  type EdgeEnvelope,
  type EdgeKeyDocument,
  type EdgePointer,
} from '@hotpatch/protocol'
import { bytesFromBase64 } from '../ground/bytes.ts'
import { UpdateError } from '../ground/update-error.ts'
import { readOr, textOf } from './edge-files.ts'

interface Verified {
  text: string
  key: Uint8Array
}

/** Nothing is read of a text before its signature was verified over its exact bytes. Undefined: none of the keys signed it. */
async function verify(
  crypto: CryptoPort,
  { payload, signatures }: EdgeEnvelope,
  keys: readonly Uint8Array[],
): Promise<Verified | undefined> {
  const bytes = bytesFromBase64(payload)
  if (!bytes || bytes.length > MAX_EDGE_DOCUMENT_BYTES) return undefined
  for (const text of signatures) {
    const signature = bytesFromBase64(text)
    if (signature?.length !== 64) continue
    for (const key of keys) {
      if (await crypto.verifyEd25519(key, bytes, signature)) return { text: textOf(bytes, 'a document'), key }
    }
  }
  return undefined
}

/**
 * Static edge §8: by a publisher's key, for this app.
 * @throws UpdateError
 */
export async function verifyKeyDocument(
  crypto: CryptoPort,
  envelope: EdgeEnvelope,
  { publicKeys, appId }: { publicKeys: readonly Uint8Array[]; appId: string },
): Promise<EdgeKeyDocument> {
  const verified = await verify(crypto, envelope, publicKeys)
  if (!verified) throw new UpdateError('signature-invalid', 'no known key signed the keys of the edge')
  const document = readOr('answer-invalid', 'the key document', () => readEdgeKeyDocument(verified.text))
  if (document.appId === appId) return document
  throw new UpdateError('wrong-app', `the keys of the edge are for the app ${document.appId}`)
}

export interface VerifiedPointer {
  pointer: EdgePointer
  /** Of the key that signed it. */
  notAfter: number
}

/**
 * Static edge §8: by a key that the document names. Undefined: by none of them.
 * @throws UpdateError 'answer-invalid' when it is signed, and not as it must be
 */
export async function verifyPointer(
  crypto: CryptoPort,
  envelope: EdgeEnvelope,
  document: EdgeKeyDocument,
): Promise<VerifiedPointer | undefined> {
  const keys = document.keys.flatMap(({ publicKey, notAfter }) => {
    const bytes = bytesFromBase64(publicKey)
    return bytes ? [{ bytes, notAfter: timeOf(notAfter) }] : []
  })
  const verified = await verify(
    crypto,
    envelope,
    keys.map(({ bytes }) => bytes),
  )
  if (!verified) return undefined
  const pointer = readOr('answer-invalid', 'the pointer', () => readEdgePointer(verified.text))
  const signer = keys.find(({ bytes }) => bytes === verified.key)
  return { pointer, notAfter: signer?.notAfter ?? 0 }
}
