private let digits = Array("0123456789abcdef".utf8)

/// Nil when `text` is not lower-case hexadecimal with whole bytes.
public func bytesFromHex(_ text: String) -> [UInt8]? {
  let characters = Array(text.utf8)
  if characters.count % 2 != 0 { return nil }
  var bytes: [UInt8] = []
  bytes.reserveCapacity(characters.count / 2)
  for index in stride(from: 0, to: characters.count, by: 2) {
    guard let high = valueOf(characters[index]), let low = valueOf(characters[index + 1]) else { return nil }
    bytes.append(high << 4 | low)
  }
  return bytes
}

public func hexFromBytes(_ bytes: [UInt8]) -> String {
  var characters: [UInt8] = []
  characters.reserveCapacity(bytes.count * 2)
  for byte in bytes {
    characters.append(digits[Int(byte >> 4)])
    characters.append(digits[Int(byte & 15)])
  }
  return String(decoding: characters, as: UTF8.self)
}

/// Whether it is exactly so many digits of lower-case hexadecimal.
func isHex(_ text: String, digits count: Int) -> Bool {
  text.utf8.count == count && text.utf8.allSatisfy { valueOf($0) != nil }
}

private func valueOf(_ character: UInt8) -> UInt8? {
  switch character {
  case 0x30...0x39: return character - 0x30
  case 0x61...0x66: return character - 0x61 + 10
  default: return nil
  }
}
