@testable import HotPatchEngine

private let any = "<any text>"

/// Where they differ first, and how; nil when they are the same.
func firstDifference(_ found: JsonValue?, _ expected: JsonValue?, at pointer: String = "") -> String? {
  switch (found, expected) {
  case (.array(let items)?, .array(let others)?) where items.count == others.count:
    for (index, (item, other)) in zip(items, others).enumerated() {
      if let difference = firstDifference(item, other, at: "\(pointer)/\(index)") { return difference }
    }
    return nil
  case (.object(let object)?, .object(let other)?):
    for name in (other.fields + object.fields).map(\.name) {
      if let difference = firstDifference(object[name], other[name], at: "\(pointer)/\(name)") { return difference }
    }
    return nil
  default:
    if found == expected { return nil }
    return "\(pointer): expected \(expected.map(writeJson) ?? "nothing"), found \(found.map(writeJson) ?? "nothing")"
  }
}

/// What was found, with every text that the expectation leaves open replaced by what the expectation says of it.
func loosened(_ found: JsonValue, _ expected: JsonValue?) -> JsonValue {
  switch (found, expected) {
  case (.string(let text), .string(let open)?) where open.hasSuffix(any):
    return text.utf8.starts(with: open.utf8.dropLast(any.utf8.count)) ? .string(open) : found
  case (.array(let items), .array(let others)?):
    return .array(items.enumerated().map { loosened($1, $0 < others.count ? others[$0] : nil) })
  case (.object(let object), .object(let other)?):
    return .object(JsonObject(object.fields.map { ($0.name, loosened($0.value, other[$0.name])) }))
  default:
    return found
  }
}
