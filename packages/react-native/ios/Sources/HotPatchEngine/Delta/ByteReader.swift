final class ByteReader {
  private let bytes: ArraySlice<UInt8>
  private let what: String
  private var at: Int

  init(_ bytes: ArraySlice<UInt8>, _ what: String) {
    self.bytes = bytes
    self.what = what
    at = bytes.startIndex
  }

  func byte() throws -> UInt8 {
    try take(1).first!
  }

  /// Patches §5.2: seven bits at a time, the lowest first; up to 2^53 − 1, in as few bytes as it takes.
  func number() throws -> Int {
    var value = 0
    for count in 0..<8 {
      let next = try byte()
      value |= Int(next & 0x7f) << (7 * count)
      if next >= 128 { continue }
      if next == 0, count > 0 {
        throw damaged("Expected the shortest form of a number of \(what), found a longer one.")
      }
      if value > maxSafeInteger { break }
      return value
    }
    throw damaged("Expected a number of \(what) below 2^53, found a larger one.")
  }

  func take(_ length: Int) throws -> ArraySlice<UInt8> {
    let left = bytes.endIndex - at
    if length > left { throw damaged("Expected \(length) bytes more of \(what), found \(left).") }
    at += length
    return bytes[at - length..<at]
  }

  /// Refuses what is left.
  func end() throws {
    let left = bytes.endIndex - at
    if left > 0 { throw damaged("Expected the end of \(what), found \(left) bytes more.") }
  }
}
