/// What a device tells of itself that a rule may ask for.
private let ruleAttributes = deviceAttributes.map(\.name) + ["nativeVersion", "runtimeVersion"]

/// Those of them that are versions, so that a range says something of them.
private let rangeAttributes = deviceAttributes.filter(\.isVersion).map(\.name) + ["nativeVersion"]

let maxAttributeRules = 20
let maxRuleValues = 100
let maxRuleValueLength = 200

/// Decision §11: narrows a rollout's audience by what devices tell; data, never code. Values are compared without regard to
/// case, a `*` at the end stands for any rest, and the locale `de` also means `de-AT`.
/// What a device did not tell meets no rule, `notIn` included.
struct AttributeRule {
  enum Test {
    case inRange(NativeRange)
    /// `isWanted`: the value has to be one of these; else none of them.
    case oneOf(isWanted: Bool, values: Set<ExactText>, prefixes: [String])
  }

  let attribute: String
  let test: Test
}

/// One attribute as a device told it, as rules compare it; `version` is nil when it is none.
private struct ToldValue {
  let text: String
  let version: NativeVersion?
}

/// What one device told, each prepared when the first rule asks for it.
final class ToldAttributes {
  private let device: Device
  private var prepared: [ExactText: ToldValue?] = [:]

  init(_ device: Device) {
    self.device = device
  }

  /// Decision §11: whether the device meets every rule.
  func meet(_ rules: [AttributeRule]) -> Bool {
    rules.allSatisfy { rule in told(rule.attribute).map { meets(rule.test, $0) } ?? false }
  }

  private func told(_ attribute: String) -> ToldValue? {
    let key = ExactText(attribute)
    if let known = prepared[key] { return known }
    let value = prepare(key)
    prepared[key] = .some(value)
    return value
  }

  private func prepare(_ attribute: ExactText) -> ToldValue? {
    let value: String?
    switch attribute.text {
    case "nativeVersion": value = device.nativeVersion
    case "runtimeVersion": value = device.runtimeVersion
    default: value = device.attributes[attribute]
    }
    guard let value else { return nil }
    let text = comparableText(attribute.text, value)
    if text.isEmpty { return nil }
    return ToldValue(text: text, version: isOne(attribute.text, of: rangeAttributes) ? parseNativeVersion(value) : nil)
  }
}

private func meets(_ test: AttributeRule.Test, _ told: ToldValue) -> Bool {
  switch test {
  case .inRange(let range): return told.version.map { isInNativeRange($0, range) } ?? false
  case .oneOf(let isWanted, let values, let prefixes):
    let isOne = values.contains(ExactText(told.text)) || prefixes.contains { told.text.utf8.starts(with: $0.utf8) }
    return isOne == isWanted
  }
}

/// Locales come as de-AT from some systems and as de_AT from others.
private func comparableText(_ attribute: String, _ value: String) -> String {
  let text = lowerCase(trimmed(value))
  if attribute != "locale" { return text }
  return String(decoding: text.utf8.map { $0 == UInt8(ascii: "_") ? UInt8(ascii: "-") : $0 }, as: UTF8.self)
}

/// @throws UnexpectedJsonError that points at what is not a rule
func readAttributeRules(_ value: JsonValue?, _ pointer: String) throws -> [AttributeRule] {
  try readArray(value, pointer, maxLength: maxAttributeRules).enumerated().map { try readRule($1, "\(pointer)/\($0)") }
}

private func readRule(_ value: JsonValue, _ pointer: String) throws -> AttributeRule {
  let rule = try readObject(value, pointer)
  let expected = "one of \(ruleAttributes.joined(separator: ", ")), or custom. with a name of the app's own"
  let attribute = try readString(rule["attribute"], "\(pointer)/attribute", expected: expected) {
    isOne($0, of: ruleAttributes) || isCustomAttribute($0)
  }
  let tests = rule.fields.filter { !isSameText($0.name, "attribute") }
  if tests.count == 1, let test = try readTest(tests[0].name, tests[0].value, pointer, attribute) {
    return AttributeRule(attribute: attribute, test: test)
  }
  let found = tests.map(\.name).joined(separator: ", ")
  throw UnexpectedJsonError(pointer, expected: "exactly one of range, in and notIn", found: .string(found))
}

/// Nil when there is no such test.
private func readTest(
  _ name: String, _ value: JsonValue, _ pointer: String, _ attribute: String
) throws -> AttributeRule.Test? {
  if isSameText(name, "in") { return try readValues(value, "\(pointer)/in", attribute, isWanted: true) }
  if isSameText(name, "notIn") { return try readValues(value, "\(pointer)/notIn", attribute, isWanted: false) }
  guard isSameText(name, "range") else { return nil }
  if isOne(attribute, of: rangeAttributes) { return .inRange(try readRange(value, "\(pointer)/range")) }
  let expected = "\(rangeAttributes.joined(separator: " or ")) with a range"
  throw UnexpectedJsonError("\(pointer)/attribute", expected: expected, found: .string(attribute))
}

private func readRange(_ value: JsonValue, _ pointer: String) throws -> NativeRange {
  let expected = "a range of versions such as \">=14 <17\""
  let text = try readString(value, pointer, expected: expected) { !trimmed($0).isEmpty }
  if let range = parseNativeRange(text) { return range }
  throw UnexpectedJsonError(pointer, expected: expected, found: value)
}

private func readValues(
  _ value: JsonValue, _ pointer: String, _ attribute: String, isWanted: Bool
) throws -> AttributeRule.Test {
  let values = try readArray(value, pointer, maxLength: maxRuleValues).enumerated().map {
    comparableText(attribute, try readValue($1, "\(pointer)/\($0)"))
  }
  if values.isEmpty { throw UnexpectedJsonError(pointer, expected: "at least one value", found: value) }
  let prefixes = values.compactMap { text -> String? in
    if text.utf8.last == star { return String(decoding: text.utf8.dropLast(), as: UTF8.self) }
    return attribute == "locale" ? "\(text)-" : nil
  }
  return .oneOf(isWanted: isWanted, values: Set(values.map(ExactText.init)), prefixes: prefixes)
}

private let star = UInt8(ascii: "*")

private func readValue(_ value: JsonValue, _ pointer: String) throws -> String {
  let expected = "1 to \(maxRuleValueLength) characters of text, with \"*\" only at the end"
  return try readString(value, pointer, expected: expected) { text in
    !trimmed(text).isEmpty && text.utf16.count <= maxRuleValueLength && !text.utf8.dropLast().contains(star)
  }
}

private func isOne(_ text: String, of names: [String]) -> Bool {
  names.contains { isSameText($0, text) }
}
