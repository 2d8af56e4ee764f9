import HotPatchEngine
import HotPatchPorts

/// The machine's own, whose ids are "id-1", "id-2" …
final class CountingCrypto: CryptoPort {
  private let system = SystemCrypto()
  private var ids = 0

  func sha256() -> Sha256Hasher { system.sha256() }

  func verifyEd25519(publicKey: [UInt8], message: [UInt8], signature: [UInt8]) -> Bool {
    system.verifyEd25519(publicKey: publicKey, message: message, signature: signature)
  }

  func randomUuid() -> String {
    ids += 1
    return "id-\(ids)"
  }
}
