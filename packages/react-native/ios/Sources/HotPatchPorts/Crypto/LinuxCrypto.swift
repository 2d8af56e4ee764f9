#if !canImport(CryptoKit)
  import CCrypto
  import Foundation
  #if SWIFT_PACKAGE
    import HotPatchEngine
  #endif

  /// For tests, which run on Linux: by the library that Node has as well.
  public final class SystemCrypto: CryptoPort, OpeningCrypto {
    public init() {}

    public func sha256() -> Sha256Hasher {
      LinuxSha256()
    }

    public func verifyEd25519(publicKey: [UInt8], message: [UInt8], signature: [UInt8]) -> Bool {
      guard publicKey.count == 32,
        let key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nil, publicKey, publicKey.count),
        let context = EVP_MD_CTX_new()
      else { return false }
      defer {
        EVP_MD_CTX_free(context)
        EVP_PKEY_free(key)
      }
      return EVP_DigestVerifyInit(context, nil, nil, nil, key) == 1
        && EVP_DigestVerify(context, signature, signature.count, message, message.count) == 1
    }

    public func randomUuid() -> String {
      UUID().uuidString.lowercased()
    }

    public func hmacSha256(key: [UInt8], message: [UInt8]) -> [UInt8] {
      var code = [UInt8](repeating: 0, count: 32)
      var length: UInt32 = 0
      HMAC(EVP_sha256(), key, Int32(key.count), message, message.count, &code, &length)
      return code
    }

    public func x25519(privateKey: [UInt8], publicKey: [UInt8]) -> [UInt8]? {
      guard privateKey.count == 32, publicKey.count == 32,
        let own = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, nil, privateKey, privateKey.count),
        let other = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, nil, publicKey, publicKey.count),
        let context = EVP_PKEY_CTX_new(own, nil)
      else { return nil }
      defer {
        EVP_PKEY_CTX_free(context)
        EVP_PKEY_free(other)
        EVP_PKEY_free(own)
      }
      var shared = [UInt8](repeating: 0, count: 32)
      var length = shared.count
      // It derives nothing with a public key of small order.
      let isDerived =
        EVP_PKEY_derive_init(context) == 1 && EVP_PKEY_derive_set_peer(context, other) == 1
        && EVP_PKEY_derive(context, &shared, &length) == 1
      return isDerived && length == 32 ? shared : nil
    }

    public func openGcm(_ sealed: [UInt8], key: [UInt8], nonce: [UInt8], associated: [UInt8]) -> [UInt8]? {
      let length = sealed.count - 16
      guard length >= 0, key.count == 16 || key.count == 32, nonce.count == 12, let context = EVP_CIPHER_CTX_new()
      else { return nil }
      defer { EVP_CIPHER_CTX_free(context) }
      let cipher = key.count == 16 ? EVP_aes_128_gcm() : EVP_aes_256_gcm()
      var tag = Array(sealed[length...])
      // One byte more: of nothing there is no address.
      var plain = [UInt8](repeating: 0, count: length + 1)
      var written: Int32 = 0
      guard EVP_DecryptInit_ex(context, cipher, nil, key, nonce) == 1,
        EVP_DecryptUpdate(context, nil, &written, associated, Int32(associated.count)) == 1,
        EVP_DecryptUpdate(context, &plain, &written, sealed, Int32(length)) == 1,
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, 16, &tag) == 1
      else { return nil }
      var rest = [UInt8](repeating: 0, count: 16)
      guard EVP_DecryptFinal_ex(context, &rest, &written) == 1 else { return nil }
      return Array(plain[..<length])
    }
  }

  private final class LinuxSha256: Sha256Hasher {
    private let context = EVP_MD_CTX_new()

    init() {
      EVP_DigestInit_ex(context, EVP_sha256(), nil)
    }

    deinit {
      EVP_MD_CTX_free(context)
    }

    func update(_ bytes: [UInt8]) {
      EVP_DigestUpdate(context, bytes, bytes.count)
    }

    func digest() -> [UInt8] {
      var digest = [UInt8](repeating: 0, count: 32)
      EVP_DigestFinal_ex(context, &digest, nil)
      return digest
    }
  }
#endif
