/// RFC 5280 §4.1: the public key of a certificate with what says of which kind it is (SubjectPublicKeyInfo), byte for byte,
/// as pins are made of it. Nil for what is no certificate. The system verifies it; this only finds the place.
func subjectPublicKeyInfo(_ certificate: [UInt8]) -> [UInt8]? {
  guard let outer = DerElement(certificate[...]), let signed = DerElement(certificate[outer.content]) else { return nil }
  var rest = certificate[signed.content]
  // Version, where it is said; serial number, algorithm, issuer, validity, subject.
  var before = rest.first == 0xa0 ? 6 : 5
  while before > 0 {
    guard let element = DerElement(rest) else { return nil }
    rest = rest[element.end...]
    before -= 1
  }
  guard let key = DerElement(rest), key.isSequence else { return nil }
  return Array(rest[rest.startIndex..<key.end])
}

/// X.690: what these bytes begin with.
private struct DerElement {
  let isSequence: Bool
  let content: Range<Int>
  var end: Int { content.upperBound }

  init?(_ bytes: ArraySlice<UInt8>) {
    guard bytes.count >= 2 else { return nil }
    let start = bytes.startIndex
    isSequence = bytes[start] == 0x30
    var length = Int(bytes[start + 1])
    var contentAt = start + 2
    if length >= 0x80 {
      let count = length - 0x80
      guard (1...4).contains(count), bytes.endIndex - contentAt >= count else { return nil }
      length = bytes[contentAt..<contentAt + count].reduce(0) { $0 << 8 | Int($1) }
      contentAt += count
    }
    guard length <= bytes.endIndex - contentAt else { return nil }
    content = contentAt..<contentAt + length
  }
}
