import { keyIdOf } from '../packages/protocol/src/index.ts'
import { sha256Of } from '../packages/testkit/src/signing.ts'

/** Signing §9. @param publicKey the raw bytes in base64 */
export function keyIdOfPublic(publicKey: string): string {
  return keyIdOf(sha256Of(Buffer.from(publicKey, 'base64')))
}
