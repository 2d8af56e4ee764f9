/// As JSON.stringify writes it, without spaces.
public func writeJson(_ value: JsonValue) -> String {
  var text: [UInt8] = []
  write(value, into: &text)
  return String(decoding: text, as: UTF8.self)
}

private func write(_ value: JsonValue, into text: inout [UInt8]) {
  switch value {
  case .object(let object):
    text.append(UInt8(ascii: "{"))
    for (index, field) in object.fields.enumerated() {
      if index > 0 { text.append(UInt8(ascii: ",")) }
      write(field.name, into: &text)
      text.append(UInt8(ascii: ":"))
      write(field.value, into: &text)
    }
    text.append(UInt8(ascii: "}"))
  case .array(let items):
    text.append(UInt8(ascii: "["))
    for (index, item) in items.enumerated() {
      if index > 0 { text.append(UInt8(ascii: ",")) }
      write(item, into: &text)
    }
    text.append(UInt8(ascii: "]"))
  case .string(let string): write(string, into: &text)
  case .number(let number): text.append(contentsOf: writeNumber(number).utf8)
  case .boolean(let boolean): text.append(contentsOf: (boolean ? "true" : "false").utf8)
  case .null: text.append(contentsOf: "null".utf8)
  }
}

private let escapes: [UInt8: StaticString] = [
  0x08: "\\b", 0x09: "\\t", 0x0a: "\\n", 0x0c: "\\f", 0x0d: "\\r", 0x22: "\\\"", 0x5c: "\\\\",
]

private func write(_ string: String, into text: inout [UInt8]) {
  text.append(UInt8(ascii: "\""))
  for byte in string.utf8 {
    if let escape = escapes[byte] {
      escape.withUTF8Buffer { text.append(contentsOf: $0) }
    } else if byte < 0x20 {
      text.append(contentsOf: "\\u00\(hexFromBytes([byte]))".utf8)
    } else {
      text.append(byte)
    }
  }
  text.append(UInt8(ascii: "\""))
}

/// ECMAScript's Number::toString: the shortest digits that mean this number, and an exponent only from 10^21 on and below
/// 10^-6.
func writeNumber(_ number: Double) -> String {
  guard number.isFinite else { return "null" }
  if number == 0 { return "0" }
  if let whole = Int(exactly: number), whole.magnitude < 1 << 53 { return String(whole) }
  let sign = number < 0 ? "-" : ""
  let (digits, point) = shortestDigits(abs(number))
  if point > 0, point <= 21 {
    if digits.count <= point { return sign + digits + String(repeating: "0", count: point - digits.count) }
    return sign + digits.prefix(point) + "." + digits.dropFirst(point)
  }
  if point > -6, point <= 0 { return sign + "0." + String(repeating: "0", count: -point) + digits }
  let exponent = point - 1
  let fraction = digits.count > 1 ? ".\(digits.dropFirst())" : ""
  return "\(sign)\(digits.prefix(1))\(fraction)e\(exponent < 0 ? "-" : "+")\(abs(exponent))"
}

/// The digits, without zeros around them, and where the point is among them: 0.012 is "12" and -1.
private func shortestDigits(_ number: Double) -> (digits: String, point: Int) {
  let parts = number.description.split(separator: "e")
  let mantissa = parts[0].split(separator: ".", omittingEmptySubsequences: false)
  let whole = mantissa[0]
  let fraction = mantissa.count > 1 ? mantissa[1] : ""
  let all = String(whole + fraction)
  let leading = all.prefix { $0 == "0" }.count
  let trailing = all.reversed().prefix { $0 == "0" }.count
  let exponent = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
  return (String(all.dropFirst(leading).dropLast(trailing)), whole.count + exponent - leading)
}
