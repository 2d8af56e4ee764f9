/// Engine §9: what shows the server that it is this installation which asks and reports. Asked for once in each process
/// until there is one; a server that gives none, or gave it before the app's data was lost, is served without.
final class DeviceCredential {
  private let files: FilesPort
  private let settings: Settings
  private var hasAsked = false
  private var known: String?

  init(_ files: FilesPort, _ settings: Settings) {
    self.files = files
    self.settings = settings
  }

  /// Nil when there is none.
  func token(register: () throws -> SmallAnswer) -> String? {
    if !settings.config.deviceCredential { return nil }
    if !hasAsked {
      hasAsked = true
      known = try? find(register)
    }
    return known
  }

  private func find(_ register: () throws -> SmallAnswer) throws -> String? {
    let deviceId = settings.config.deviceId
    let stored = try readJsonFile(files, StorageLayout.credential, readCredential)
    if let stored, isSameText(stored.deviceId, deviceId) { return stored.token }
    // Before it is asked for: the server gives it once.
    try files.makeDirectory(StorageLayout.root)
    let answer = try register()
    guard answer.status == 200, let json = jsonFromUtf8(answer.body),
      case .string(let given)? = try readObject(json, "")["deviceToken"], isToken(given)
    else { return nil }
    let kept = jsonObject([("deviceId", .string(deviceId)), ("token", .string(given))])
    // A full disk: it holds for this process.
    try? writeJsonFile(files, StorageLayout.credential, kept)
    return given
  }
}

/// What can stand in a header.
private func isToken(_ text: String) -> Bool {
  (1...200).contains(text.utf8.count)
    && text.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "_"), UInt8(ascii: "-"):
        return true
      default: return false
      }
    }
}

private func readCredential(_ value: JsonValue?) throws -> (deviceId: String, token: String) {
  let json = try readObject(value, "")
  return (try readString(json["deviceId"], "/deviceId"), try readString(json["token"], "/token"))
}
