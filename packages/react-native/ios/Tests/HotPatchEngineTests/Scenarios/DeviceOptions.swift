import XCTest

@testable import HotPatchEngine

/// The `device` of a scenario, as the engine has it.
struct DeviceOptions {
  private(set) var config: JsonObject
  private(set) var limits: JsonObject
  private(set) var host: JsonObject
  private(set) var embedded: JsonValue?
  let hasBrotli: Bool
  let hasEncryption: Bool

  /// `own` replaces what `device` says; `config`, `limits` and `host` field by field.
  init(_ device: JsonObject, _ own: JsonObject = JsonObject()) throws {
    config = try merged(device["config"], own["config"])
    limits = try merged(device["limits"], own["limits"])
    host = try merged(device["host"], own["host"])
    embedded = own["embedded"] ?? device["embedded"]
    hasBrotli = (own["brotli"] ?? device["brotli"]) != .boolean(false)
    hasEncryption = (own["encryption"] ?? device["encryption"]) != .boolean(false)
  }

  mutating func changeHost(_ change: JsonValue?) throws { host = try merged(.object(host), change) }
  mutating func changeConfig(_ change: JsonValue?) throws { config = try merged(.object(config), change) }
  mutating func changeEmbedded(_ files: JsonValue?) { embedded = files }

  func engineLimits() throws -> Limits {
    var read = Limits()
    for (name, value) in limits.fields {
      let number = try readInteger(value, "/limits/\(name)", minimum: 0)
      switch name {
      case "answerBytes": read.answerBytes = number
      case "bundleBytes": read.bundleBytes = number
      case "unpackedBytes": read.unpackedBytes = number
      case "fileCount": read.fileCount = number
      case "patchPieceBytes": read.patchPieceBytes = number
      case "pathBytes": read.pathBytes = number
      case "requestTimeoutMs": read.requestTimeoutMs = Double(number)
      case "idleTimeoutMs": read.idleTimeoutMs = Double(number)
      case "downloadTimeoutMs": read.downloadTimeoutMs = Double(number)
      case "attempts": read.attempts = number
      case "backOffMs": read.backOffMs = Double(number)
      case "backOffMaxMs": read.backOffMaxMs = Double(number)
      case "retryAfterMaxMs": read.retryAfterMaxMs = Double(number)
      case "redirects": read.redirects = number
      case "startsOnProbation": read.startsOnProbation = number
      case "badStartsInARow": read.badStartsInARow = number
      case "reports": read.reports = number
      case "reportsAtOnce": read.reportsAtOnce = number
      case "rememberedReleases": read.rememberedReleases = number
      // Of releases of files, which this engine does not take.
      case "resumableBytes", "parallelDownloads": break
      default: XCTFail("the limit \(name) is not known")
      }
    }
    return read
  }

  func engineConfig() throws -> EngineConfig {
    let text = { (name: String) in try readString(config[name], "/config/\(name)") }
    var read = EngineConfig(
      serverUrl: try text("serverUrl"), appId: try text("appId"), deviceId: try text("deviceId"),
      channel: try text("channel"))
    for (name, value) in config.fields {
      switch name {
      case "serverUrl", "appId", "deviceId", "channel": break
      case "appKey": read.appKey = try text(name)
      case "cohorts": read.cohorts = try readTexts(value)
      case "publicKeys": read.publicKeys = try readTexts(value)
      case "decryptionKeys": read.decryptionKeys = try readTexts(value)
      case "deviceCredential": read.deviceCredential = try readBoolean(value, name)
      case "restartsWhenMandatory": read.restartsWhenMandatory = try readBoolean(value, name)
      case "edge": read.edge = try readEdge(value)
      case "allowInsecure": read.allowInsecure = try allowInsecure(value)
      default: XCTFail("the setting \(name) is not known")
      }
    }
    return read
  }

  func hostPort(restart: @escaping () -> Void) throws -> HostPort {
    var read = HostPort(nativeVersion: "", platform: "")
    for (name, value) in host.fields where value != .null {
      switch name {
      case "nativeVersion": read.nativeVersion = try readString(value, name)
      case "nativeBuild": read.nativeBuild = try readString(value, name)
      case "runtimeVersion": read.runtimeVersion = try readString(value, name)
      case "platform": read.platform = try readString(value, name)
      case "osVersion": read.osVersion = try readString(value, name)
      case "model": read.model = try readString(value, name)
      case "locale": read.locale = try readString(value, name)
      case "architecture": read.architecture = try readString(value, name)
      case "sdkVersion": read.sdkVersion = try readString(value, name)
      case "installSource": read.installSource = try readString(value, name)
      case "isEmulator": read.isEmulator = try readBoolean(value, name)
      case "isProduction": read.isProduction = try readBoolean(value, name)
      case "builtAt":
        if case .number(let time) = value { read.builtAt = time } else { XCTFail("builtAt is no number") }
      default: XCTFail("the host's \(name) is not known")
      }
    }
    read.restart = restart
    return read
  }
}

private func merged(_ first: JsonValue?, _ second: JsonValue?) throws -> JsonObject {
  var object = try first.map { try readObject($0, "/device") } ?? JsonObject()
  guard let second else { return object }
  for field in try readObject(second, "/device").fields { object[field.name] = field.value }
  return object
}

private func readEdge(_ value: JsonValue) throws -> EdgeConfig {
  let json = try readObject(value, "/config/edge")
  let order = try json["order"].map { try XCTUnwrap(EdgeOrder(rawValue: readString($0, "/config/edge/order"))) }
  return EdgeConfig(url: try readString(json["url"], "/config/edge/url"), order: order ?? .first)
}

private func readTexts(_ value: JsonValue) throws -> [String] {
  try readArray(value, "/config", maxLength: 1000).map { try readString($0, "/config") }
}

private func allowInsecure(_ value: JsonValue) throws -> AllowInsecure {
  switch value {
  case .boolean(false): return .never
  case .boolean(true): return .anywhere
  default:
    XCTAssertEqual(value, .string("loopback"))
    return .loopback
  }
}
