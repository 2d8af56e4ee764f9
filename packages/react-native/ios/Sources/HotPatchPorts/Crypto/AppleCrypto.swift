#if canImport(CryptoKit)
  import CryptoKit
  import Foundation
  #if SWIFT_PACKAGE
    import HotPatchEngine
  #endif

  public final class SystemCrypto: CryptoPort, OpeningCrypto {
    public init() {}

    public func sha256() -> Sha256Hasher {
      AppleSha256()
    }

    public func verifyEd25519(publicKey: [UInt8], message: [UInt8], signature: [UInt8]) -> Bool {
      guard let key = try? Curve25519.Signing.PublicKey(rawRepresentation: publicKey) else { return false }
      return key.isValidSignature(signature, for: message)
    }

    public func randomUuid() -> String {
      UUID().uuidString.lowercased()
    }

    public func hmacSha256(key: [UInt8], message: [UInt8]) -> [UInt8] {
      Array(HMAC<SHA256>.authenticationCode(for: message, using: SymmetricKey(data: key)))
    }

    public func x25519(privateKey: [UInt8], publicKey: [UInt8]) -> [UInt8]? {
      guard let own = try? Curve25519.KeyAgreement.PrivateKey(rawRepresentation: privateKey),
        let other = try? Curve25519.KeyAgreement.PublicKey(rawRepresentation: publicKey),
        let shared = try? own.sharedSecretFromKeyAgreement(with: other)
      else { return nil }
      return shared.withUnsafeBytes { Array($0) }
    }

    public func openGcm(_ sealed: [UInt8], key: [UInt8], nonce: [UInt8], associated: [UInt8]) -> [UInt8]? {
      guard key.count == 16 || key.count == 32, nonce.count == 12,
        let box = try? AES.GCM.SealedBox(combined: nonce + sealed),
        let plain = try? AES.GCM.open(box, using: SymmetricKey(data: key), authenticating: associated)
      else { return nil }
      return Array(plain)
    }
  }

  private final class AppleSha256: Sha256Hasher {
    private var hash = SHA256()

    func update(_ bytes: [UInt8]) {
      hash.update(data: bytes)
    }

    func digest() -> [UInt8] {
      Array(hash.finalize())
    }
  }
#endif
