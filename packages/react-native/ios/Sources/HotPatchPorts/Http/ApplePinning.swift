#if canImport(Security)
  import Foundation
  #if SWIFT_PACKAGE
    import HotPatchEngine
  #endif
  import Security

  /// Whether the system trusts this connection and, of a host with pins, one certificate of the chain has such a key.
  func isPinned(_ trust: SecTrust, host: String, _ pins: CertificatePins) -> Bool {
    let expected = pins.of(host)
    if expected.isEmpty { return true }
    guard SecTrustEvaluateWithError(trust, nil),
      let chain = SecTrustCopyCertificateChain(trust) as? [SecCertificate]
    else { return false }
    return chain.contains { certificate in
      guard let key = subjectPublicKeyInfo([UInt8](SecCertificateCopyData(certificate) as Data)) else { return false }
      let hasher = SystemCrypto().sha256()
      hasher.update(key)
      return expected.contains(hasher.digest())
    }
  }
#endif
