/// Content §5: a whole binary, for a platform and an architecture, in a format. At least one of `artifact` and `url`.
public struct BinaryFile: Equatable {
  public var platform: Platform
  public var architecture: String
  public var format: String
  public var deltaFrom: String?
  public var artifact: String?
  public var url: String?
}

func readBinaryFiles(_ json: JsonObject, _ artifacts: [ContentArtifact]) throws -> [BinaryFile] {
  let pointer = "/content/files"
  let files = try readArray(json["files"], pointer, maxLength: maxArtifacts).enumerated().map {
    try readFile($1, "\(pointer)/\($0)", artifacts)
  }
  if files.isEmpty { throw UnexpectedJsonError(pointer, expected: "at least one file", found: json["files"]) }
  try expectAllNamed(artifacts, files.map(\.artifact))
  try expectOneFor(files)
  return files
}

private func readFile(_ value: JsonValue, _ pointer: String, _ artifacts: [ContentArtifact]) throws -> BinaryFile {
  let json = try readObject(value, pointer)
  let word = { (name: String) in
    try readString(json[name], "\(pointer)/\(name)", expected: "a short word in lower case") {
      isName($0, letters: isLowerCaseWord, with: "._-", maxLength: 32)
    }
  }
  let artifact = try readOptional(json["artifact"]) { try readArtifactName($0, "\(pointer)/artifact", artifacts) }
  let url = try readOptional(json["url"]) {
    try readString($0, "\(pointer)/url", expected: "an address that begins with https://", where: isHttps)
  }
  let deltaFrom = try readOptional(json["deltaFrom"]) {
    try readString($0, "\(pointer)/deltaFrom", expected: "a build, such as 41") {
      isName($0, letters: isAnyWord, with: ".+_-", maxLength: 64)
    }
  }
  if artifact == nil, url == nil {
    let expected = "the name of one of the artifacts, or a url beside"
    throw UnexpectedJsonError("\(pointer)/artifact", expected: expected, found: nil)
  }
  return BinaryFile(
    platform: try readPlatform(json["platform"], "\(pointer)/platform"),
    architecture: try word("architecture"), format: try word("format"), deltaFrom: deltaFrom, artifact: artifact,
    url: url)
}

/// Two readers must not take different files for the same machine.
private func expectOneFor(_ files: [BinaryFile]) throws {
  var seen: Set<ExactText> = []
  for (index, file) in files.enumerated() {
    let key = [file.platform.rawValue, file.architecture, file.format, file.deltaFrom ?? ""].joined(separator: " ")
    if seen.insert(ExactText(key)).inserted { continue }
    let expected = "another platform, architecture or format"
    throw UnexpectedJsonError("/content/files/\(index)", expected: expected, found: .string(key))
  }
}

private func isHttps(_ text: String) -> Bool {
  let start = "https://"
  guard text.utf8.starts(with: start.utf8) else { return false }
  let rest = text.unicodeScalars.dropFirst(start.unicodeScalars.count)
  let length = text.utf16.count - start.utf16.count
  return (1...2000).contains(length) && rest.allSatisfy { !isWhiteSpace($0) && !"\"<>\\".unicodeScalars.contains($0) }
}
