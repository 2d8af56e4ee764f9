/// Throws UnexpectedJsonError.
func readOneOf<Choice: RawRepresentable>(_ value: JsonValue?, _ pointer: String, _ allowed: [Choice]) throws -> Choice
where Choice.RawValue == String {
  if case .string(let text)? = value, let found = allowed.first(where: { isSameText($0.rawValue, text) }) {
    return found
  }
  let names = allowed.map(\.rawValue).joined(separator: ", ")
  throw UnexpectedJsonError(pointer, expected: "one of \(names)", found: value)
}

func readOneOf<Choice: RawRepresentable & CaseIterable>(_ value: JsonValue?, _ pointer: String) throws -> Choice
where Choice.RawValue == String {
  try readOneOf(value, pointer, Array(Choice.allCases))
}
