/// Strict, other than Foundation's: nil for anything that is not padded, canonical base64.
public func bytesFromBase64(_ text: String) -> [UInt8]? {
  let characters = Array(text.utf8)
  if characters.count % 4 != 0 { return nil }
  let padding = characters.reversed().prefix(2).prefix { $0 == 0x3d }.count
  var bytes: [UInt8] = []
  bytes.reserveCapacity(characters.count / 4 * 3)
  var held: UInt32 = 0
  var bits: UInt32 = 0
  for character in characters.dropLast(padding) {
    guard let digit = valueOf(character) else { return nil }
    held = held << 6 | digit
    bits += 6
    if bits < 8 { continue }
    bits -= 8
    bytes.append(UInt8(truncatingIfNeeded: held >> bits))
    held &= (1 << bits) - 1
  }
  return held == 0 ? bytes : nil
}

private func valueOf(_ character: UInt8) -> UInt32? {
  switch character {
  case 0x41...0x5a: return UInt32(character) - 0x41
  case 0x61...0x7a: return UInt32(character) - 0x61 + 26
  case 0x30...0x39: return UInt32(character) - 0x30 + 52
  case 0x2b: return 62
  case 0x2f: return 63
  default: return nil
  }
}
