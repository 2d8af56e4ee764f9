/// Content §6: a component of a system, in the order in which they are applied.
public struct KitComponent: Equatable {
  /// Such as "gateway".
  public var id: String
  public var version: String
  public var artifact: String
}

func readKitComponents(_ json: JsonObject, _ artifacts: [ContentArtifact]) throws -> [KitComponent] {
  let pointer = "/content/components"
  let components = try readArray(json["components"], pointer, maxLength: maxArtifacts).enumerated().map {
    (index, value) -> KitComponent in
    let at = "\(pointer)/\(index)"
    let component = try readObject(value, at)
    return KitComponent(
      id: try readString(component["id"], "\(at)/id", expected: "a name in lower case") {
        isName($0, letters: isLowerCaseWord, with: "._-", maxLength: 64)
      },
      version: try readString(component["version"], "\(at)/version"),
      artifact: try readArtifactName(component["artifact"], "\(at)/artifact", artifacts))
  }
  if components.isEmpty {
    throw UnexpectedJsonError(pointer, expected: "at least one component", found: json["components"])
  }
  var ids: Set<String> = []
  for (index, component) in components.enumerated() where !ids.insert(component.id).inserted {
    throw UnexpectedJsonError("\(pointer)/\(index)/id", expected: "an id of its own", found: .string(component.id))
  }
  try expectAllNamed(artifacts, components.map(\.artifact))
  return components
}
