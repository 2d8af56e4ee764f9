/// What the engine's own files, and what it sends, are put together of.

/// What is nil is left out.
func jsonObject(_ members: [(String, JsonValue?)]) -> JsonValue {
  .object(JsonObject(members.compactMap { name, value in value.map { (name, $0) } }))
}

func jsonText(_ text: String?) -> JsonValue? {
  text.map { .string($0) }
}

func jsonNumber(_ number: Int?) -> JsonValue? {
  number.map { .number(Double($0)) }
}

func jsonOrNull(_ text: String?) -> JsonValue {
  jsonText(text) ?? .null
}

func jsonTexts(_ texts: [String]) -> JsonValue {
  .array(texts.map { .string($0) })
}

/// Absent and null are the same. Throws UnexpectedJsonError.
func readNullableString(_ value: JsonValue?, _ pointer: String) throws -> String? {
  isNothing(value) ? nil : try readString(value, pointer)
}

func isNothing(_ value: JsonValue?) -> Bool {
  if case .null? = value { return true }
  return value == nil
}

func isTrue(_ value: JsonValue?) -> Bool {
  if case .boolean(true)? = value { return true }
  return false
}
