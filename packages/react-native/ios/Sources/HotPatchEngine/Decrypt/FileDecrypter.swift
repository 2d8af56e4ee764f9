/// What has to be inside, as far as it was announced.
struct ExpectedInside {
  var purpose: EncryptedPurpose
  /// Of a release: of its zip. Of a patch nothing is announced but the trees.
  var sha256: String?
  var sizeBytes: Int?
  /// Nil where no statement says it.
  var tree: String?
  var baseTree: String?
}

let fileDecrypter = FileDecrypter()

struct FileDecrypter {
  /// The configured keys by which something can be opened on this machine.
  func keysOf(_ ports: Ports, _ privateKeys: [[UInt8]]) -> [DecryptionKey] {
    guard let encryption = ports.encryption else { return [] }
    return privateKeys.compactMap { privateKey in
      guard let publicKey = encryptionPublicKey(privateKey, encryption) else { return nil }
      return DecryptionKey(keyId: keyIdOf(digestOf(ports.crypto.sha256, publicKey)), privateKey: privateKey)
    }
  }

  /// @throws UpdateError `encryption-unknown` or `decryption-key-missing`, before a byte is fetched
  func judge(_ encryption: OfferedEncryption, _ keys: [DecryptionKey]) throws {
    if !isSameText(encryption.algorithm, encryptionAlgorithm) {
      let found = encryption.algorithm.prefix(64)
      throw UpdateError(.encryptionUnknown, "it is encrypted by \(found), which is not known here")
    }
    let isForOne = keys.contains { key in encryption.keyIds.contains { isSameText($0, key.keyId) } }
    if isForOne { return }
    throw UpdateError(.decryptionKeyMissing, missingKeyMessage(encryption.keyIds, keys.map(\.keyId)))
  }

  /// Opens a download whose digest was verified into `to`, which is durable and verified when it returns.
  /// @throws UpdateError `decryption-failed`, or `hash-mismatch` where the disk did not keep what was written
  func open(
    _ download: VerifiedDownload, to target: String, expected: ExpectedInside, keys: [DecryptionKey], ports: Ports
  ) throws -> VerifiedDownload {
    do {
      let head = try readHead(download, expected, ports.files)
      try expectRoom(ports.files, head.header.sizeBytes, "what is inside the encrypted file")
      guard let encryption = ports.encryption else {
        throw EncryptionError(.keyMissing, "Nothing can be decrypted on this machine.")
      }
      let opener = try openEncryptedFile(head, keys: keys, purpose: expected.purpose, encryption)
      return try openInto(target, download, head, opener, ports)
    } catch let error as EncryptionError {
      // These are the bytes that were signed: they would fail again.
      throw UpdateError(.decryptionFailed, "\(error.code.rawValue): \(error)", cause: error)
    }
  }
}

private func readHead(
  _ download: VerifiedDownload, _ expected: ExpectedInside, _ files: FilesPort
) throws -> EncryptedHead {
  let prefix = try files.readRange(download.path, offset: 0, length: encryptedPrefixBytes)
  let length = try readHeadLength(prefix)
  let head = try readEncryptedHead(try files.readRange(download.path, offset: 0, length: length))
  let header = head.header
  let isAsAnnounced =
    encryptedSize(head) == download.sizeBytes
    && isSameText(expected.tree ?? header.tree, header.tree)
    && isSameText(expected.sha256 ?? header.sha256, header.sha256)
    && (expected.sizeBytes ?? header.sizeBytes) == header.sizeBytes
    && isSameText(expected.baseTree, header.patch?.baseTree)
  if isAsAnnounced { return head }
  throw EncryptionError(.damaged, "Expected an encrypted file of what was announced, found one of something else.")
}

/// With memory for one chunk. What an earlier process left there is written over, and cut off.
private func openInto(
  _ target: String, _ download: VerifiedDownload, _ head: EncryptedHead, _ opener: FileOpener, _ ports: Ports
) throws -> VerifiedDownload {
  let files = ports.files
  let hasher = ports.crypto.sha256()
  for chunk in chunksOf(head) {
    let sealed = try files.readRange(download.path, offset: chunk.offset, length: chunk.sealedBytes)
    let plain = try opener.open(chunk, sealed)
    hasher.update(plain)
    try files.append(target, offset: chunk.plainOffset, plain)
  }
  let (sha256, sizeBytes) = (head.header.sha256, head.header.sizeBytes)
  if !isSameText(hexFromBytes(hasher.digest()), sha256) {
    let message = "Expected what is inside to have the SHA-256 of its header, found another one."
    throw EncryptionError(.damaged, message)
  }
  let found = try hashFile(ports.crypto, target, sizeBytes, files.readRange)
  if isSameText(found, sha256) { return VerifiedDownload(path: target, sizeBytes: sizeBytes) }
  throw UpdateError(
    .hashMismatch, "what was decrypted has the hash \(found) on the disk, announced was \(sha256)")
}
