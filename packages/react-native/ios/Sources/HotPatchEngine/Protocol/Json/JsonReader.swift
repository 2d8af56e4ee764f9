/// Small readers for data that comes from elsewhere: each says where a value is not what it must be.

public struct UnexpectedJsonError: Error, CustomStringConvertible {
  /// JSON pointer of the value, such as "/artifacts/0/sha256".
  public let pointer: String
  public let description: String

  public init(_ pointer: String, expected: String, found: JsonValue?) {
    self.pointer = pointer
    description = "\(pointer.isEmpty ? "/" : pointer): expected \(expected), found \(describe(found))"
  }
}

public func readObject(_ value: JsonValue?, _ pointer: String) throws -> JsonObject {
  if case .object(let object) = value { return object }
  throw UnexpectedJsonError(pointer, expected: "an object", found: value)
}

public func readArray(_ value: JsonValue?, _ pointer: String, maxLength: Int) throws -> [JsonValue] {
  guard case .array(let items) = value else {
    throw UnexpectedJsonError(pointer, expected: "an array", found: value)
  }
  if items.count > maxLength {
    throw UnexpectedJsonError(pointer, expected: "at most \(maxLength) items", found: value)
  }
  return items
}

public func readString(
  _ value: JsonValue?, _ pointer: String, expected: String = "a string", where isOne: (String) -> Bool = { _ in true }
) throws -> String {
  if case .string(let text) = value, isOne(text) { return text }
  throw UnexpectedJsonError(pointer, expected: expected, found: value)
}

public func readSha256(_ value: JsonValue?, _ pointer: String) throws -> String {
  try readString(value, pointer, expected: "64 lower-case hex digits") { isHex($0, digits: 64) }
}

/// A safe integer, as JavaScript has them, of at least `minimum`.
public func readInteger(_ value: JsonValue?, _ pointer: String, minimum: Int) throws -> Int {
  if case .number(let number) = value, let whole = Int(exactly: number), whole.magnitude <= maxSafeInteger, whole >= minimum {
    return whole
  }
  throw UnexpectedJsonError(pointer, expected: "an integer of at least \(minimum)", found: value)
}

public func readBoolean(_ value: JsonValue?, _ pointer: String) throws -> Bool {
  if case .boolean(let boolean) = value { return boolean }
  throw UnexpectedJsonError(pointer, expected: "true or false", found: value)
}

private let maxShort = 200

/// What names files and fills lists on a device.
func readShort(_ value: JsonValue?, _ pointer: String) throws -> String {
  try readString(value, pointer, expected: "a short text") { text in
    (1...maxShort).contains(text.utf16.count) && !text.utf8.contains(0)
  }
}

/// `read` of the value, or nil when it is absent. JSON's own null is not absent.
public func readOptional<T>(_ value: JsonValue?, _ read: (JsonValue) throws -> T) rethrows -> T? {
  try value.map(read)
}

/// `read` of the value, or nil when it is JSON's own null, which has to be there.
func readNullable<T>(_ value: JsonValue?, _ read: (JsonValue?) throws -> T) rethrows -> T? {
  if case .null? = value { return nil }
  return try read(value)
}

/// 2^53 − 1.
public let maxSafeInteger = 1 << 53 - 1

private func describe(_ value: JsonValue?) -> String {
  switch value {
  case nil: return "nothing"
  case .object: return "an object"
  case .array(let items): return "an array of \(items.count)"
  case .null: return "null"
  case .boolean(let boolean): return String(boolean)
  case .number(let number): return writeNumber(number)
  case .string(let text):
    // What is cut is not written first: it may be long.
    let written = writeJson(.string(String(text.prefix(80))))
    return written.count > 80 ? "\(written.prefix(77))…" : written
  }
}
