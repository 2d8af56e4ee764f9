import { digestSigningInput } from '@hotpatch/protocol'
import { messageOf } from '@hotpatch/device-ground'
import type { BundleManifest } from '../decision/manifest.ts'
import type { VerifyEd25519 } from '../ground/ports.ts'

type Bytes = Uint8Array<ArrayBuffer>
type Verdict =
  | { isTrusted: true }
  | { isTrusted: false; reason: 'signature-missing' | 'signature-invalid' | 'signature-unverifiable'; detail: string }

/** @throws RangeError when a key is not base64 of 32 bytes */
export function readPublicKeys(keys: readonly string[]): Bytes[] {
  return keys.map((text) => {
    const key = bytesFromBase64(text)
    if (key?.length !== 32) throw new RangeError(`a public key must be base64 of 32 bytes, found ${text.slice(0, 60)}`)
    return key
  })
}

/** Web bundle §6. Without keys everything is trusted that its server says. */
export async function verifyChecksum(
  { checksum, signature, version }: BundleManifest,
  { publicKeys, verify }: { publicKeys: readonly Bytes[]; verify: VerifyEd25519 | undefined },
): Promise<Verdict> {
  if (publicKeys.length === 0) return { isTrusted: true }
  if (signature === null) return untrusted('signature-missing', `${version} is not signed`)
  const bytes = bytesFromBase64(signature)
  if (!bytes) return untrusted('signature-invalid', `the signature of ${version} is not base64`)
  if (!verify) return untrusted('signature-unverifiable', 'this host verifies no signatures')
  try {
    const message = new Uint8Array(digestSigningInput(checksum))
    for (const key of publicKeys) {
      if (await verify(key, message, bytes)) return { isTrusted: true }
    }
  } catch (error) {
    return untrusted('signature-unverifiable', `this platform cannot verify signatures: ${messageOf(error)}`)
  }
  return untrusted('signature-invalid', `the signature of ${version} is by none of the app's keys`)
}

function untrusted(reason: Exclude<Verdict, { isTrusted: true }>['reason'], detail: string): Verdict {
  return { isTrusted: false, reason, detail }
}

function bytesFromBase64(text: string): Bytes | undefined {
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text)) return undefined
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0))
}
