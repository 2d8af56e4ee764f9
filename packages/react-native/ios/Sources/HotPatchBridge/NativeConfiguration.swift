import Foundation

#if SWIFT_PACKAGE
  import HotPatchEngine
  import HotPatchPorts
#endif

/// What the binary says of its updates (README, *What the binary says*). Keys and pins come from here alone: what
/// JavaScript says can be replaced by an update, and what the store has signed cannot.
public struct NativeConfiguration {
  public var apiUrl: String?
  public var appId: String?
  public var appKey: String?
  public var channel: String?
  public var publicKeys: [String] = []
  public var decryptionKeys: [String] = []
  public var pins = CertificatePins()
  public var allowInsecure = AllowInsecure.never
  public var runtimeVersion: String?
  /// In milliseconds since 1970.
  public var builtAt: Double?
  /// Signed files that say what to take beside a server, or without one (Static edge). Has public keys beside it.
  public var edge: EdgeConfig?

  public init() {}
}

/// Every mistake at once. With one of them nothing is updated: half a list of keys would be less than was meant.
public struct NativeConfigurationError: Error, CustomStringConvertible {
  public let mistakes: [String]

  public var description: String {
    "What the binary says of its updates cannot be read. \(mistakes.joined(separator: " "))"
  }
}

/// - Parameter dictionary: `HotPatch` of Info.plist
/// - Throws: NativeConfigurationError
public func readNativeConfiguration(_ dictionary: [String: Any]) throws -> NativeConfiguration {
  var reader = DictionaryReader(dictionary)
  var configuration = NativeConfiguration()
  configuration.apiUrl = reader.text("apiUrl")
  configuration.appId = reader.text("appId")
  configuration.appKey = reader.text("appKey")
  configuration.channel = reader.text("channel")
  configuration.publicKeys = reader.keys("publicKeys", most: 20, isSecret: false)
  configuration.decryptionKeys = reader.keys("decryptionKeys", most: 8, isSecret: true)
  configuration.pins = reader.pins("pins")
  configuration.allowInsecure = reader.insecureAddresses("allowInsecure")
  configuration.runtimeVersion = reader.text("runtimeVersion")
  configuration.builtAt = reader.time("builtAt")
  configuration.edge = reader.edge("edgeUrl", "edgeOrder", hasKeys: !configuration.publicKeys.isEmpty)
  reader.refuseUnknownNames()
  if !reader.mistakes.isEmpty { throw NativeConfigurationError(mistakes: reader.mistakes) }
  return configuration
}

/// Whether http: is allowed is seen when it is asked.
private func isEdge(_ url: String) -> Bool {
  isAllowedAddress(url, .anywhere) && !url.utf8.contains { "?#".utf8.contains($0) }
}

private struct DictionaryReader {
  private let dictionary: [String: Any]
  private var known: Set<String> = []
  private(set) var mistakes: [String] = []

  init(_ dictionary: [String: Any]) {
    self.dictionary = dictionary
  }

  mutating func text(_ name: String) -> String? {
    guard let value = take(name) else { return nil }
    if let text = value as? String, !text.isEmpty { return text }
    return refuse(name, "a text that is not empty", value)
  }

  mutating func keys(_ name: String, most: Int, isSecret: Bool) -> [String] {
    guard let keys = list(name) else { return [] }
    if keys.count > most { mistakes.append("\(name): expected at most \(most) keys, found \(keys.count).") }
    for key in keys where bytesFromBase64(key)?.count != 32 {
      // Of a key that is secret nothing is told, not even when it is none.
      mistakes.append("\(name): expected the base64 of 32 bytes, found \(isSecret ? "something else" : "\"\(key)\"").")
    }
    return keys
  }

  mutating func pins(_ name: String) -> CertificatePins {
    guard let texts = list(name) else { return CertificatePins() }
    do {
      return try CertificatePins(texts)
    } catch {
      mistakes.append("\(error).")
      return CertificatePins()
    }
  }

  mutating func insecureAddresses(_ name: String) -> AllowInsecure {
    guard let value = take(name) else { return .never }
    switch value {
    case let text as String where text == "loopback": return .loopback
    case let text as String where text == "true" || text == "false": return text == "true" ? .anywhere : .never
    case let flag as Bool: return flag ? .anywhere : .never
    default: return refuse(name, "false, \"loopback\" or true", value) ?? .never
    }
  }

  /// - Parameter hasKeys: without public keys nobody could vouch for what an edge says
  mutating func edge(_ urlName: String, _ orderName: String, hasKeys: Bool) -> EdgeConfig? {
    let (url, said) = (text(urlName), text(orderName))
    let order: EdgeOrder? = said.flatMap { EdgeOrder(rawValue: $0) ?? refuse(orderName, "first or fallback", $0) }
    guard let url else {
      if said != nil { mistakes.append("\(orderName): expected \(urlName) beside it, found none.") }
      return nil
    }
    if !isEdge(url) {
      return refuse(urlName, "an address that begins with https:// and has neither ? nor #", url)
    }
    if !hasKeys {
      mistakes.append("\(urlName): expected publicKeys beside it, as nobody else can vouch for an edge, found none.")
    }
    return EdgeConfig(url: url, order: order ?? .first)
  }

  mutating func time(_ name: String) -> Double? {
    guard let text = text(name) else { return nil }
    let format = ISO8601DateFormatter()
    for options: ISO8601DateFormatter.Options in [[.withInternetDateTime], [.withInternetDateTime, .withFractionalSeconds]] {
      format.formatOptions = options
      if let date = format.date(from: text) { return (date.timeIntervalSince1970 * 1000).rounded() }
    }
    return refuse(name, "a time such as 2027-01-31T12:00:00Z", text)
  }

  mutating func refuseUnknownNames() {
    for name in dictionary.keys.sorted() where !known.contains(name) {
      mistakes.append("\(name): expected a name that means something, found this one.")
    }
  }

  private mutating func list(_ name: String) -> [String]? {
    guard let value = take(name) else { return nil }
    return value as? [String] ?? refuse(name, "an array of texts", value)
  }

  private mutating func take(_ name: String) -> Any? {
    known.insert(name)
    return dictionary[name]
  }

  private mutating func refuse<Value>(_ name: String, _ expected: String, _ found: Any) -> Value? {
    mistakes.append("\(name): expected \(expected), found a \(type(of: found)).")
    return nil
  }
}
