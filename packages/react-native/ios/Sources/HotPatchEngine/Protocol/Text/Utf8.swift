public func utf8FromText(_ text: String) -> [UInt8] {
  Array(text.utf8)
}

/// Strict: nil for bytes that are not UTF-8, overlong forms and surrogates included.
public func textFromUtf8(_ bytes: [UInt8]) -> String? {
  textFromUtf8(bytes[...])
}

public func textFromUtf8(_ bytes: ArraySlice<UInt8>) -> String? {
  isUtf8(bytes) ? String(decoding: bytes, as: UTF8.self) : nil
}

private func isUtf8(_ bytes: ArraySlice<UInt8>) -> Bool {
  var index = bytes.startIndex
  while index < bytes.endIndex {
    let lead = bytes[index]
    let length = lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0
    if length == 0 || length > bytes.endIndex - index { return false }
    if length > 1, !isCharacter(bytes[index..<index + length]) { return false }
    index += length
  }
  return true
}

private func isCharacter(_ bytes: ArraySlice<UInt8>) -> Bool {
  var point = UInt32(bytes[bytes.startIndex] & (0x7f >> UInt8(bytes.count)))
  for byte in bytes.dropFirst() {
    if byte & 0xc0 != 0x80 { return false }
    point = point << 6 | UInt32(byte & 0x3f)
  }
  let isOverlong = (bytes.count == 3 && point < 0x800) || (bytes.count == 4 && point < 0x10000)
  return !isOverlong && point <= 0x10ffff && !(0xd800...0xdfff).contains(point)
}
