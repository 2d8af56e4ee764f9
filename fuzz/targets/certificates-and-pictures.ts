import { asPlainPng } from '../../packages/binary-files/src/apple/apple-png.ts'
import { machOArchitectures } from '../../packages/binary-files/src/apple/mach-o.ts'
import { readProfile } from '../../packages/binary-files/src/apple/provisioning.ts'
import { READING_LIMITS } from '../../packages/binary-files/src/application.ts'
import { readSignedMessage } from '../../packages/binary-files/src/certificates.ts'
import { asIcon, iconType } from '../../packages/binary-files/src/picture.ts'
import type { Target } from '../engine/target.ts'
import { isReaderRefusal } from '../reading/refusals.ts'
import { readerFor } from '../reading/texts.ts'

const READERS: readonly ((bytes: Buffer) => unknown)[] = [
  (bytes) => readSignedMessage(bytes, 'META-INF/CERT.RSA'),
  readProfile,
  machOArchitectures,
  (bytes) => asPlainPng(bytes, READING_LIMITS),
  (bytes) => [asIcon(bytes, READING_LIMITS), iconType(bytes)],
]

export const target: Target = {
  reads: 'signed messages, provisioning profiles, heads of programs, pictures',
  maxBytes: 4_000,
  read(input) {
    const [read, bytes] = readerFor(READERS, input)
    read(Buffer.from(bytes))
  },
  refuses: isReaderRefusal,
}

export async function seeds() {
  const { anApplePng, aPng, aProfile, makeSigner, signedMessage } = await import('@hotpatch/testkit/binaries')
  const machO = Buffer.alloc(64)
  machO.writeUInt32BE(0xcafebabe, 0)
  machO.writeUInt32BE(1, 4)
  machO.writeUInt32BE(0x0100000c, 8)
  const files = [signedMessage(Buffer.from('content'), makeSigner()), aProfile(), machO, anApplePng(8), aPng(8)]
  return files.map((bytes, index) => Buffer.concat([Buffer.of(index), bytes]))
}
