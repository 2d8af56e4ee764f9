import { hexFromBytes } from '@hotpatch/protocol'
import { PatchError, type PatchErrorCode } from './patch-error.ts'

/** A device's `CryptoPort` has it. */
export type Sha256 = () => { update(bytes: Uint8Array): void; digest(): Uint8Array | Promise<Uint8Array> }

/** In lower-case hex. */
export async function digestOf(sha256: Sha256, bytes: Uint8Array): Promise<string> {
  const hasher = sha256()
  hasher.update(bytes)
  return hexFromBytes(await hasher.digest())
}

export async function expectDigest(
  sha256: Sha256,
  bytes: Uint8Array,
  expected: { sha256: string; code: PatchErrorCode },
): Promise<void> {
  const found = await digestOf(sha256, bytes)
  if (found !== expected.sha256) {
    const what = expected.code === 'base-differs' ? 'a base' : 'a result'
    throw new PatchError(expected.code, `Expected ${what} with the digest ${expected.sha256}, found ${found}.`)
  }
}
