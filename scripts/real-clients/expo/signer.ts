import {
  convertCertificateToCertificatePEM,
  generateKeyPair,
  generateSelfSignedCodeSigningCertificate,
  signBufferRSASHA256AndVerify,
} from '@expo/code-signing-certificates'
import {
  expoManifestOf,
  expoUpdateOf,
  readExpoExport,
  writeExpoDirective,
  writeExpoManifest,
  writeExpoTime,
} from '../../../packages/protocol/src/expo/index.ts'
import type { createManagementClient } from '../../../packages/api/src/index.ts'
import type { Files } from '../publisher.ts'

const KEY_ID = 'main'
const ALGORITHM = 'rsa-v1_5-sha256'
const DAY_MS = 86_400_000

/** A publisher's key, its certificate, and what it signs, by the functions of Expo's own tool. */
export function createSigner() {
  const keyPair = generateKeyPair()
  const certificate = generateSelfSignedCodeSigningCertificate({
    keyPair,
    validityNotBefore: new Date(Date.now() - DAY_MS),
    validityNotAfter: new Date(Date.now() + DAY_MS),
    commonName: 'Demo',
  })
  const pem = convertCertificateToCertificatePEM(certificate)
  return {
    /** What a build has of it. */
    configuration: { codeSigningCertificate: pem, codeSigningMetadata: { keyid: KEY_ID, alg: ALGORITHM } },
    send: (api: ReturnType<typeof createManagementClient>, app: string, bodies: readonly string[]) =>
      api.addSignedAnswers(app, {
        platform: 'android',
        keyId: KEY_ID,
        certificate: pem,
        answers: bodies.map((body) => ({
          body,
          signature: signBufferRSASHA256AndVerify(keyPair.privateKey, certificate, Buffer.from(body)),
        })),
      }),
  }
}

/** What a publisher has the server say of what was published. */
export async function manifestOf(
  api: ReturnType<typeof createManagementClient>,
  { releaseId, files, at, assetsUrl }: { releaseId: string; files: Files; at: number; assetsUrl: string },
): Promise<string> {
  const [{ content, requirement }, { items }] = await Promise.all([
    api.getRelease(releaseId),
    api.listReleaseFiles(releaseId),
  ])
  const exported = readExpoExport(files['metadata.json'] ?? '')
  if (!exported || content.kind !== 'files') throw new Error('No export.')
  const config = JSON.parse(files['expo-config.json'] ?? '') as Record<string, unknown>
  const told = { sha256: content.sha256, runtimeVersion: requirement.runtimeVersion ?? '', config }
  return writeExpoManifest(expoManifestOf(expoUpdateOf(exported, items, told), { at, place: '', assetsUrl }))
}

export const wayBackAt = (at: number) =>
  writeExpoDirective({ type: 'rollBackToEmbedded', parameters: { commitTime: writeExpoTime(at) } })
