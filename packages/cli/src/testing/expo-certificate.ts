import {
  convertCertificateToCertificatePEM,
  convertKeyPairToPEM,
  generateCSR,
  generateDevelopmentCertificateFromCSR,
  generateKeyPair,
  generateSelfSignedCodeSigningCertificate,
} from '@expo/code-signing-certificates'

const DAY_MS = 86_400_000
const APP_ID = '0b0c0d0e-0000-4000-8000-00000000000b'

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

/** An authority that apps hold, and the key of a certificate that it has issued, by the same functions. */
export function newExpoChain() {
  const authority = generateKeyPair()
  const root = generateSelfSignedCodeSigningCertificate({
    keyPair: authority,
    validityNotBefore: new Date(Date.now() - DAY_MS),
    validityNotAfter: new Date(Date.now() + 3_650 * DAY_MS),
    commonName: 'Shop',
  })
  root.setExtensions([
    { name: 'basicConstraints', critical: true, cA: true },
    { name: 'keyUsage', critical: true, keyCertSign: true, digitalSignature: true },
    { name: 'extKeyUsage', critical: true, codeSigning: true },
  ])
  root.sign(authority.privateKey)
  const keyPair = generateKeyPair()
  const csr = generateCSR(keyPair, 'Shop, the team')
  const leaf = generateDevelopmentCertificateFromCSR(authority.privateKey, root, csr, APP_ID, '@shop/shop')
  return {
    'certs/certificate.pem': convertCertificateToCertificatePEM(root),
    'certs/certificate-chain.pem': convertCertificateToCertificatePEM(leaf),
    'keys/private-key.pem': convertKeyPairToPEM(keyPair).privateKeyPEM,
  }
}
