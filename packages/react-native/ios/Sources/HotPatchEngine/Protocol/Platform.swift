/// Where an app runs. A release for `any` serves every platform of its app.
public enum Platform: String, CaseIterable, Sendable {
  case ios, android, web, windows, macos, linux, any
}

func readPlatform(_ value: JsonValue?, _ pointer: String) throws -> Platform {
  if case .string(let text) = value, let platform = Platform(rawValue: text) { return platform }
  let names = Platform.allCases.map(\.rawValue).joined(separator: ", ")
  throw UnexpectedJsonError(pointer, expected: "one of \(names)", found: value)
}
