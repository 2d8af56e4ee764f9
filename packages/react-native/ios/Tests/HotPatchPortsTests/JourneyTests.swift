import Foundation
import HotPatchEngine
import HotPatchPorts
import XCTest

/// A device and a real server process, to which scripts/native-tests/swift/journey.ts has published.
final class JourneyTests: XCTestCase {
  private struct Facts {
    let url, app, appKey, device, publicKey, decryptionKey: String

    init() throws {
      let read = { (name: String) throws -> String in
        try XCTUnwrap(ProcessInfo.processInfo.environment["HOTPATCH_JOURNEY_\(name)"], "\(name) is told")
      }
      if ProcessInfo.processInfo.environment["HOTPATCH_JOURNEY_URL"] == nil {
        throw XCTSkip("npm run test:swift starts the server that this asks")
      }
      (url, app, appKey) = (try read("URL"), try read("APP"), try read("APP_KEY"))
      (device, publicKey) = (try read("DEVICE"), try read("PUBLIC_KEY"))
      decryptionKey = try read("DECRYPTION_KEY")
    }
  }

  private let folder = FileManager.default.temporaryDirectory.appendingPathComponent("hotpatch-\(UUID().uuidString)")

  override func tearDown() {
    try? FileManager.default.removeItem(at: folder)
  }

  func testAnUpdateIsTakenProvedAndRolledBack() throws {
    let facts = try Facts()

    // Encrypted, and whole.
    var (engine, launched) = start()
    XCTAssertEqual(launched, .embedded)
    try configure(engine, facts, "first")
    try expectStaged(try engine.sync(), "1.0.0")
    try expectRuns("1.0.0")

    // As an encrypted patch of it.
    (engine, _) = start()
    var arrivals: [DownloadArrival] = []
    var others: [EngineEvent] = []
    _ = engine.subscribe {
      if case .downloaded(let arrival, _, _, _) = $0 { arrivals.append(arrival) } else { others.append($0) }
    }
    try configure(engine, facts, "second")
    XCTAssertTrue(try engine.confirm())
    try expectStaged(try engine.sync(), "1.1.0")
    XCTAssertEqual(arrivals, [.patch], "\(others)")
    try expectRuns("1.1.0")

    // One that never says that it is ready: two starts, and the third goes back.
    (engine, _) = start()
    XCTAssertTrue(try engine.confirm())
    try configure(engine, facts, "third")
    try expectStaged(try engine.sync(), "1.2.0")
    for _ in 0..<2 {
      XCTAssertEqual(version(of: start().launched), "1.2.0")
    }
    (engine, launched) = start()
    XCTAssertEqual(version(of: launched), "1.1.0")
    XCTAssertTrue(try engine.confirm())
    try configure(engine, facts, "third")
    try engine.flushReports()
    guard case .upToDate = try engine.sync() else { return XCTFail("What failed here is never offered again.") }
    XCTAssertEqual(try engine.status().failedReleaseIds.count, 1)
  }

  func testAnotherKeyIsNotTrusted() throws {
    let facts = try Facts()
    let (engine, _) = start()
    var config = self.config(facts, "third")
    config.deviceId = "stranger"
    config.publicKeys = [Data([9] + [UInt8](repeating: 0, count: 31)).base64EncodedString()]
    try engine.configure(config)
    if case .staged = try engine.sync() { XCTFail("It was signed by a key that is not this device's.") }
    XCTAssertEqual(start().launched, .embedded)
  }

  /// The files are the server's own; nothing else is asked of it.
  func testAnUpdateIsTakenOfFilesAlone() throws {
    let facts = try Facts()
    var config = self.config(facts, "files")
    config.serverUrl = ""
    config.edge = EdgeConfig(url: facts.url)
    var (engine, launched) = start()
    try engine.configure(config)
    try expectStaged(try engine.sync(), "1.3.0")
    (engine, launched) = start()
    XCTAssertEqual(version(of: launched), "1.3.0")
    XCTAssertTrue(try engine.confirm())
    try engine.configure(config)
    guard case .upToDate(reason: "runs-the-target", _) = try engine.sync() else {
      return XCTFail("What runs is what is in force.")
    }
    let memory = try Data(contentsOf: folder.appendingPathComponent("ota/edge.json"))
    XCTAssertTrue(String(decoding: memory, as: UTF8.self).contains(#""marks":[{"platform":"ios","channel":"files""#))

    // Nobody else's keys vouch for what the server says there.
    config.publicKeys = [Data([9] + [UInt8](repeating: 0, count: 31)).base64EncodedString()]
    try engine.configure(config)
    guard case .failed(let error, _) = try engine.sync() else { return XCTFail("It was signed by another key.") }
    XCTAssertEqual(error.code, .signatureInvalid)
    XCTAssertEqual(version(of: start().launched), "1.3.0")
  }

  private func start() -> (engine: Engine, launched: Launch) {
    let crypto = SystemCrypto()
    var host = HostPort(nativeVersion: "1.0", nativeBuild: "1", platform: "ios")
    host.osVersion = "17.0"
    let engine = Engine(
      Ports(
        files: SystemFiles(folder.path), http: UrlSessionHttp(), crypto: crypto, clock: SystemClock(), host: host,
        unpacking: SystemUnpacking(), encryption: crypto))
    return (engine, engine.start())
  }

  private func config(_ facts: Facts, _ channel: String) -> EngineConfig {
    var config = EngineConfig(serverUrl: facts.url, appId: facts.app, deviceId: facts.device, channel: channel)
    config.appKey = facts.appKey
    config.publicKeys = [facts.publicKey]
    config.decryptionKeys = [facts.decryptionKey]
    config.allowInsecure = .loopback
    return config
  }

  private func configure(_ engine: Engine, _ facts: Facts, _ channel: String) throws {
    try engine.configure(config(facts, channel))
  }

  private func expectStaged(_ outcome: UpdateOutcome, _ expected: String) throws {
    guard case .staged(_, let version, _) = outcome, version == expected else {
      return XCTFail("\(expected) is not staged: \(outcome)")
    }
  }

  /// Starts it, looks at every file of it, and says that it is ready.
  private func expectRuns(_ expected: String) throws {
    let (engine, launched) = start()
    XCTAssertEqual(version(of: launched), expected)
    XCTAssertTrue(try engine.confirm())
    try configure(engine, try Facts(), "first")
    try engine.flushReports()
  }

  /// What its files say.
  private func version(of launched: Launch) -> String? {
    guard case .release(let release) = launched else { return nil }
    let version = release.version
    let read = { (name: String) in try? String(contentsOfFile: "\(release.directory)/\(name)", encoding: .utf8) }
    let code = read("main.jsbundle") ?? ""
    guard read("assets/größe.txt") == version, read("assets/same.txt") == "the same" else { return nil }
    return code.contains("show(\"\(version)\");") ? version : nil
  }
}
