@testable import HotPatchEngine

/// As vectors about decisions have it: what is absent or null was not told.
func readDevice(_ json: Vector) throws -> Device {
  Device(
    id: try json.text("id"),
    nativeVersion: try json.textOrNil("nativeVersion"),
    runtimeVersion: try json.textOrNil("runtimeVersion"),
    currentReleaseId: try json.textOrNil("currentReleaseId"),
    failedReleaseIds: try json.get("failedReleaseIds").texts,
    attributes: try json["attributes"].map(readAttributes) ?? [:],
    trust: try json["trust"].map(readTrust) ?? nothingTaken)
}

let nothingTaken = DeviceTrust(highWater: 0, floor: 0, keyIds: [], heldReleaseId: nil, builtAt: nil)

func readAttributes(_ json: Vector) throws -> [ExactText: String] {
  var attributes: [ExactText: String] = [:]
  for (name, value) in try json.fields { attributes[ExactText(name)] = try readString(value.value, value.place) }
  return attributes
}

private func readTrust(_ json: Vector) throws -> DeviceTrust {
  DeviceTrust(
    highWater: try json.number("highWater"), floor: try json.number("floor"), keyIds: try json.get("keyIds").texts,
    heldReleaseId: try json.textOrNil("heldReleaseId"), builtAt: try json.numberOrNil("builtAt"))
}

extension Vector {
  func textOrNil(_ name: String) throws -> String? {
    try self[name].map { try readString($0.value, $0.place) }
  }

  func numberOrNil(_ name: String) throws -> Int? {
    try self[name].map { try readInteger($0.value, $0.place, minimum: .min) }
  }

  /// With its fraction.
  func double(_ name: String) throws -> Double {
    let found = try get(name)
    if case .number(let number) = found.value { return number }
    throw UnexpectedJsonError(found.place, expected: "a number", found: found.value)
  }

  /// Whether it has such a field, whatever that is.
  func has(_ name: String) throws -> Bool {
    try readObject(value, place)[name] != nil
  }
}
