#if SWIFT_PACKAGE
  import HotPatchEngine
#endif

let defaultChannel = "production"
private let maxCohorts = 50

/// What the app's JavaScript says, `NativeConfiguration` of messages.ts.
struct AppConfiguration {
  var apiUrl: String?
  var appId: String?
  var appKey: String?
  var channel: String?
  var cohorts: [String] = []
  var deviceId: String?
  var deviceCredential = false
  var restartsWhenMandatory = true
}

/// - Throws: UnexpectedJsonError with the name of the field, what was expected and what was found
func readAppConfiguration(_ text: String) throws -> AppConfiguration {
  let json = try readObject(try readJson(text), "")
  let read = { (name: String, expected: String, isOne: @escaping (String) -> Bool) in
    try readOptional(json[name]) { try readString($0, "/\(name)", expected: expected, where: isOne) }
  }
  var configuration = AppConfiguration()
  let address = "an address that begins with https:// and has neither ? nor #"
  configuration.apiUrl = try read("apiUrl", address, isServer)
  configuration.appId = try read("appId", "1 to 200 characters", isShortText)
  configuration.appKey = try read("appKey", "1 to 200 characters", isShortText)
  configuration.channel = try read("channel", "the name of a channel", isChannel)
  configuration.deviceId = try read("deviceId", "1 to 200 characters", isShortText)
  let cohorts = try readOptional(json["cohorts"]) { try readArray($0, "/cohorts", maxLength: maxCohorts) } ?? []
  configuration.cohorts = try cohorts.enumerated().map { try readString($1, "/cohorts/\($0)") }
  configuration.deviceCredential =
    try readOptional(json["deviceCredential"]) { try readBoolean($0, "/deviceCredential") } ?? false
  configuration.restartsWhenMandatory =
    try readOptional(json["restartsWhenMandatory"]) { try readBoolean($0, "/restartsWhenMandatory") } ?? true
  return configuration
}

/// Whether http: is allowed is seen when it is asked.
private func isServer(_ text: String) -> Bool {
  let start = text.prefix(8).lowercased()
  return (start.hasPrefix("https://") || start.hasPrefix("http://")) && !text.utf8.contains { "?#\\@ ".utf8.contains($0) }
}

/// What the binary says goes before what JavaScript says. Nil while an app is missing, or both server and edge.
func engineConfigOf(
  _ native: NativeConfiguration, _ app: AppConfiguration, channel: String, deviceId: String
) -> EngineConfig? {
  let withoutServer = native.edge == nil ? nil : ""
  guard let serverUrl = native.apiUrl ?? app.apiUrl ?? withoutServer, let appId = native.appId ?? app.appId else {
    return nil
  }
  var config = EngineConfig(
    serverUrl: serverUrl, appId: appId, deviceId: app.deviceId ?? deviceId, channel: channel)
  config.edge = native.edge
  config.appKey = native.appKey ?? app.appKey ?? ""
  config.cohorts = app.cohorts
  config.deviceCredential = app.deviceCredential
  config.publicKeys = native.publicKeys
  config.decryptionKeys = native.decryptionKeys
  config.allowInsecure = native.allowInsecure
  config.restartsWhenMandatory = app.restartsWhenMandatory
  return config
}
