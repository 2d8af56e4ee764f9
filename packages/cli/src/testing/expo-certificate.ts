import {
  convertCertificateToCertificatePEM,
  convertKeyPairToPEM,
  generateKeyPair,
  generateSelfSignedCodeSigningCertificate,
} from '@expo/code-signing-certificates'

const DAY_MS = 86_400_000

/** As `npx expo-updates codesigning:generate` writes them, by the same functions. */
export function newExpoCertificate(days: { from: number; to: number } = { from: -1, to: 3_650 }) {
  const keyPair = generateKeyPair()
  const certificate = generateSelfSignedCodeSigningCertificate({
    keyPair,
    validityNotBefore: new Date(Date.now() + days.from * DAY_MS),
    validityNotAfter: new Date(Date.now() + days.to * DAY_MS),
    commonName: 'Shop',
  })
  return {
    'certs/certificate.pem': convertCertificateToCertificatePEM(certificate),
    'keys/private-key.pem': convertKeyPairToPEM(keyPair).privateKeyPEM,
  }
}
