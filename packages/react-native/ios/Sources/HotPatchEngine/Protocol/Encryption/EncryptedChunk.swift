/// Of what is encrypted at a time.
let chunkBytes = 64 * 1024
let tagBytes = 16

/// A part of the file: so much of what is inside, and behind it a tag.
public struct EncryptedChunk {
  public let index: Int
  public let isLast: Bool
  /// In the file.
  public let offset: Int
  public let sealedBytes: Int
  /// In what is inside.
  public let plainOffset: Int
  public let plainBytes: Int
}

/// Encryption §2.3.
public func chunksOf(_ head: EncryptedHead) -> some Sequence<EncryptedChunk> {
  let sizeBytes = head.header.sizeBytes
  let count = chunkCount(sizeBytes)
  return (0..<count).lazy.map { index in
    let plainOffset = index * chunkBytes
    let plainBytes = min(chunkBytes, sizeBytes - plainOffset)
    return EncryptedChunk(
      index: index, isLast: index == count - 1, offset: head.bytes.count + index * (chunkBytes + tagBytes),
      sealedBytes: plainBytes + tagBytes, plainOffset: plainOffset, plainBytes: plainBytes)
  }
}

/// Of the whole file: nothing is behind the last chunk.
public func encryptedSize(_ head: EncryptedHead) -> Int {
  head.bytes.count + head.header.sizeBytes + chunkCount(head.header.sizeBytes) * tagBytes
}

private func chunkCount(_ sizeBytes: Int) -> Int {
  (sizeBytes - 1) / chunkBytes + 1
}
