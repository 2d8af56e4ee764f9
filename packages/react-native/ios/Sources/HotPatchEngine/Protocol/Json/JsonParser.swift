/// Arrays and objects within each other. Nothing that is read here has ten.
let maxJsonDepth = 512

/// RFC 8259, exactly: what JSON.parse refuses is refused, and what it takes means the same. But for half a character, a
/// surrogate alone, which no text of Swift can have.
/// @throws UnexpectedJsonError
public func readJson(_ text: String) throws -> JsonValue {
  var parser = JsonParser(bytes: Array(text.utf8))
  guard let value = parser.document() else {
    throw UnexpectedJsonError("", expected: "JSON", found: .string(text))
  }
  return value
}

/// Nil when the bytes are not UTF-8 or not JSON.
public func jsonFromUtf8(_ bytes: [UInt8]) -> JsonValue? {
  guard textFromUtf8(bytes) != nil else { return nil }
  var parser = JsonParser(bytes: bytes)
  return parser.document()
}

/// Over bytes that are UTF-8. Each function is at the first byte of what it reads, and gives nil for what is no JSON.
private struct JsonParser {
  let bytes: [UInt8]
  var at = 0
  var depth = 0

  init(bytes: [UInt8]) {
    self.bytes = bytes
  }

  mutating func document() -> JsonValue? {
    guard let value = value() else { return nil }
    skipSpace()
    return at == bytes.count ? value : nil
  }

  private var next: UInt8? { at < bytes.count ? bytes[at] : nil }

  private mutating func value() -> JsonValue? {
    skipSpace()
    switch next {
    case UInt8(ascii: "{"): return nested { $0.object() }
    case UInt8(ascii: "["): return nested { $0.array() }
    case UInt8(ascii: "\""): return string().map { .string($0) }
    case UInt8(ascii: "t"): return word("true") ? .boolean(true) : nil
    case UInt8(ascii: "f"): return word("false") ? .boolean(false) : nil
    case UInt8(ascii: "n"): return word("null") ? .null : nil
    default: return number().map { .number($0) }
    }
  }

  private mutating func nested(_ read: (inout JsonParser) -> JsonValue?) -> JsonValue? {
    depth += 1
    defer { depth -= 1 }
    at += 1
    return depth <= maxJsonDepth ? read(&self) : nil
  }

  private mutating func object() -> JsonValue? {
    var object = JsonObject()
    if taken(UInt8(ascii: "}")) { return .object(object) }
    repeat {
      skipSpace()
      guard next == UInt8(ascii: "\""), let name = string(), taken(UInt8(ascii: ":")), let value = value() else {
        return nil
      }
      object[name] = value
    } while taken(UInt8(ascii: ","))
    return taken(UInt8(ascii: "}")) ? .object(object) : nil
  }

  private mutating func array() -> JsonValue? {
    var items: [JsonValue] = []
    if taken(UInt8(ascii: "]")) { return .array(items) }
    repeat {
      guard let item = value() else { return nil }
      items.append(item)
    } while taken(UInt8(ascii: ","))
    return taken(UInt8(ascii: "]")) ? .array(items) : nil
  }

  private mutating func string() -> String? {
    at += 1
    var text: [UInt8] = []
    while let byte = next {
      at += 1
      switch byte {
      case UInt8(ascii: "\""): return String(decoding: text, as: UTF8.self)
      case UInt8(ascii: "\\"):
        guard escape(into: &text) else { return nil }
      case 0..<0x20: return nil
      default: text.append(byte)
      }
    }
    return nil
  }

  private mutating func escape(into text: inout [UInt8]) -> Bool {
    guard let byte = next else { return false }
    at += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
    case UInt8(ascii: "b"): text.append(0x08)
    case UInt8(ascii: "f"): text.append(0x0c)
    case UInt8(ascii: "n"): text.append(0x0a)
    case UInt8(ascii: "r"): text.append(0x0d)
    case UInt8(ascii: "t"): text.append(0x09)
    case UInt8(ascii: "u"):
      guard let scalar = escapedCharacter() else { return false }
      text.append(contentsOf: Array(String(Character(scalar)).utf8))
    default: return false
    }
    return true
  }

  /// Behind `\u`: of two halves, one.
  private mutating func escapedCharacter() -> Unicode.Scalar? {
    guard let unit = fourDigits() else { return nil }
    guard (0xd800...0xdbff).contains(unit) else { return Unicode.Scalar(unit) }
    guard word("\\u"), let low = fourDigits(), (0xdc00...0xdfff).contains(low) else { return nil }
    return Unicode.Scalar(0x10000 + (unit - 0xd800) << 10 + (low - 0xdc00))
  }

  private mutating func fourDigits() -> UInt32? {
    guard bytes.count - at >= 4 else { return nil }
    var value: UInt32 = 0
    for byte in bytes[at..<at + 4] {
      guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue else { return nil }
      value = value << 4 | UInt32(digit)
    }
    at += 4
    return value
  }

  private mutating func number() -> Double? {
    let start = at
    if next == UInt8(ascii: "-") { at += 1 }
    if next == UInt8(ascii: "0") { at += 1 } else if digits() == 0 { return nil }
    if next == UInt8(ascii: ".") {
      at += 1
      if digits() == 0 { return nil }
    }
    if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
      at += 1
      if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { at += 1 }
      if digits() == 0 { return nil }
    }
    return Double(String(decoding: bytes[start..<at], as: UTF8.self))
  }

  private mutating func digits() -> Int {
    let start = at
    while let byte = next, (0x30...0x39).contains(byte) { at += 1 }
    return at - start
  }

  private mutating func word(_ word: StaticString) -> Bool {
    let end = at + word.utf8CodeUnitCount
    guard end <= bytes.count else { return false }
    let isIt = word.withUTF8Buffer { $0.elementsEqual(bytes[at..<end]) }
    if isIt { at = end }
    return isIt
  }

  /// With the space before it.
  private mutating func taken(_ byte: UInt8) -> Bool {
    skipSpace()
    guard next == byte else { return false }
    at += 1
    return true
  }

  private mutating func skipSpace() {
    while let byte = next, byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 { at += 1 }
  }
}
