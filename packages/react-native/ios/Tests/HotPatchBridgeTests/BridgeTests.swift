import Foundation
import HotPatchEngine
import HotPatchPorts
import XCTest

@testable import HotPatchBridge

final class BridgeTests: XCTestCase {
  private let root = FileManager.default.temporaryDirectory.appendingPathComponent("hotpatch-\(UUID().uuidString)").path
  private lazy var files = SystemFiles("\(root)/app")
  private let key = Data([UInt8](repeating: 1, count: 32)).base64EncodedString()

  override func tearDown() {
    try? FileManager.default.removeItem(atPath: root)
  }

  private func updates(_ native: NativeConfiguration = NativeConfiguration()) -> Updates {
    let crypto = SystemCrypto()
    let ports = Ports(
      files: files, http: UrlSessionHttp(), crypto: crypto, clock: SystemClock(),
      host: HostPort(nativeVersion: "1.0", nativeBuild: "7", platform: "ios"), unpacking: SystemUnpacking())
    return Updates(ports, native, DeviceMemory(files, crypto), inBackground: false)
  }

  private func object(_ text: String) throws -> JsonObject {
    try readObject(try readJson(text), "")
  }

  func testWhatTheBinarySays() throws {
    let read = try readNativeConfiguration([
      "apiUrl": "https://updates.example.com", "appId": "app", "channel": "beta", "publicKeys": [key],
      "decryptionKeys": [key], "pins": ["updates.example.com=sha256/\(key)"], "allowInsecure": "loopback",
      "runtimeVersion": "1.10", "builtAt": "2027-01-31T12:00:00Z", "edgeUrl": "https://cdn.example.com/updates",
      "edgeOrder": "fallback",
    ])
    XCTAssertEqual(read.edge, EdgeConfig(url: "https://cdn.example.com/updates", order: .fallback))
    XCTAssertEqual(read.apiUrl, "https://updates.example.com")
    XCTAssertEqual(read.publicKeys, [key])
    XCTAssertEqual(read.allowInsecure, .loopback)
    XCTAssertEqual(read.runtimeVersion, "1.10")
    XCTAssertEqual(read.builtAt, 1_801_396_800_000)
    XCTAssertEqual(try readNativeConfiguration(["builtAt": "2027-01-31T12:00:00.500Z"]).builtAt, 1_801_396_800_500)
    XCTAssertEqual(try readNativeConfiguration([:]).allowInsecure, .never)
    XCTAssertEqual(try readNativeConfiguration(["allowInsecure": true]).allowInsecure, .anywhere)
  }

  func testEveryMistakeIsToldAndNoSecret() {
    let wrong: [String: Any] = [
      "apiUrl": 1, "publicKeys": "one", "decryptionKeys": ["a secret"], "pins": ["nothing"], "allowInsecure": "perhaps",
      "builtAt": "yesterday", "publickeys": [],
    ]
    XCTAssertThrowsError(try readNativeConfiguration(wrong)) { error in
      let mistakes = (error as? NativeConfigurationError)?.mistakes ?? []
      XCTAssertEqual(mistakes.count, wrong.count, "\(mistakes)")
      XCTAssertFalse("\(error)".contains("a secret"))
      for name in wrong.keys { XCTAssertTrue(mistakes.contains { $0.hasPrefix("\(name):") }, name) }
    }
  }

  func testAnEdgeHasAnAddressAndKeysThatVouchForIt() throws {
    let said: [String: Any] = ["publicKeys": [key], "edgeUrl": "https://cdn.example.com"]
    XCTAssertEqual(try readNativeConfiguration(said).edge, EdgeConfig(url: "https://cdn.example.com"))
    let keys: [String: Any] = ["publicKeys": [key]]
    let wrong: [([String: Any], String)] = [
      (said.merging(["edgeOrder": "last"]) { $1 }, "edgeOrder: expected first or fallback"),
      (["edgeUrl": "https://cdn.example.com"], "edgeUrl: expected publicKeys beside it"),
      (keys.merging(["edgeOrder": "first"]) { $1 }, "edgeOrder: expected edgeUrl beside it"),
      (keys.merging(["edgeUrl": "cdn.example.com"]) { $1 }, "edgeUrl: expected an address"),
      (keys.merging(["edgeUrl": "https://cdn.example.com?a-secret"]) { $1 }, "edgeUrl: expected an address"),
      (keys.merging(["edgeUrl": "https://cdn.example.com#a-secret"]) { $1 }, "edgeUrl: expected an address"),
    ]
    for (dictionary, mistake) in wrong {
      XCTAssertThrowsError(try readNativeConfiguration(dictionary), mistake) { error in
        let mistakes = (error as? NativeConfigurationError)?.mistakes ?? []
        XCTAssertEqual(mistakes.count, 1, "\(mistakes)")
        XCTAssertTrue(mistakes.first?.hasPrefix(mistake) == true, "\(mistakes)")
        XCTAssertFalse("\(error)".contains("a-secret"))
      }
    }
  }

  func testAnEdgeStandsInForAServerAndIsTheBinarysAlone() throws {
    var native = NativeConfiguration()
    native.appId = "app"
    native.publicKeys = [key]
    native.edge = EdgeConfig(url: "https://cdn.example.com")
    let alone = try XCTUnwrap(engineConfigOf(native, AppConfiguration(), channel: "c", deviceId: "d"))
    XCTAssertEqual(alone.serverUrl, "")
    XCTAssertEqual(alone.edge, native.edge)
    let app = try readAppConfiguration(#"{"apiUrl":"https://app.example.com","edgeUrl":"https://other.example.com"}"#)
    let both = try XCTUnwrap(engineConfigOf(native, app, channel: "c", deviceId: "d"))
    XCTAssertEqual(both.serverUrl, "https://app.example.com")
    XCTAssertEqual(both.edge, native.edge)
  }

  func testARefusalOfTheEdgeIsTold() throws {
    var native = NativeConfiguration()
    native.appId = "app"
    native.apiUrl = "http://127.0.0.1:1"
    native.publicKeys = [key]
    // In the clear, which this binary does not allow.
    native.edge = EdgeConfig(url: "http://127.0.0.1:1")
    let all = self.updates(native)
    var told: [String] = []
    all.listen { told.append($0) }
    XCTAssertEqual(try object(try all.calls().check())["code"], .string("insecure-url"))
    let refusals = try told.map(object).filter { $0["type"] == .string("edge-refused") }
    XCTAssertEqual(refusals.map { $0["code"] }, [.string("insecure-url")])
    XCTAssertEqual(refusals.first?.fields.map(\.name), ["type", "code", "message", "isRetryable", "status", "retryAfterMs"])
  }

  func testTheBinaryGoesBeforeJavaScript() throws {
    var native = NativeConfiguration()
    native.apiUrl = "https://own.example.com"
    native.channel = "own"
    native.publicKeys = [key]
    let app = try readAppConfiguration(
      #"{"apiUrl":"https://other.example.com","appId":"app","appKey":"key","channel":"said","deviceId":"me"}"#)
    let config = try XCTUnwrap(engineConfigOf(native, app, channel: "said", deviceId: "random"))
    XCTAssertEqual(config.serverUrl, "https://own.example.com")
    XCTAssertEqual([config.appId, config.appKey, config.channel, config.deviceId], ["app", "key", "said", "me"])
    XCTAssertEqual(config.publicKeys, [key])
    XCTAssertNil(engineConfigOf(NativeConfiguration(), AppConfiguration(), channel: "c", deviceId: "d"))
  }

  func testWhatJavaScriptSaysWrong() throws {
    let updates = self.updates().calls()
    for text in [
      "", "[]", #"{"apiUrl":"ftp://a"}"#, #"{"apiUrl":"https://a?b"}"#, #"{"appId":""}"#, #"{"channel":1}"#,
      #"{"cohorts":"a"}"#, #"{"deviceCredential":"yes"}"#,
    ] {
      XCTAssertThrowsError(try updates.configure(text), text) {
        XCTAssertEqual(($0 as? AppMistakeError)?.code, "config-invalid", "\($0)")
      }
    }
    XCTAssertThrowsError(try updates.check()) { XCTAssertEqual(($0 as? AppMistakeError)?.code, "not-configured") }
  }

  func testStatusAndChannel() throws {
    XCTAssertNil(self.updates().bundle)
    let updates = self.updates().calls()
    let status = try object(try updates.status())
    XCTAssertEqual(
      status.fields.map(\.name),
      [
        "running", "standing", "staged", "previous", "highWater", "floor", "failedReleaseIds", "channel", "deviceId",
        "nativeVersion", "nativeBuild", "runtimeVersion", "isConfigured", "problem",
      ])
    XCTAssertEqual(status["channel"], .string("production"))
    let chosen = try object(try updates.setChannel("beta"))
    XCTAssertEqual(chosen["channel"], .string("beta"))
    // It is remembered, and so is who this is.
    let later = try object(try self.updates().calls().status())
    XCTAssertEqual(later["channel"], .string("beta"))
    XCTAssertEqual(later["deviceId"], status["deviceId"])
    XCTAssertEqual(try object(try updates.setChannel(nil))["channel"], .string("production"))
    XCTAssertThrowsError(try updates.setChannel(""))
    // Embedded runs, and cannot be gone back from.
    XCTAssertFalse(updates.crashed())
    XCTAssertFalse(try updates.rollBack())
  }

  func testWithoutAServerTheFailureIsTold() throws {
    let all = self.updates()
    let updates = all.calls()
    var told: [String] = []
    all.listen { told.append($0) }
    let facts = #"{"apiUrl":"http://127.0.0.1:1","appId":"app"}"#
    XCTAssertEqual(try object(try updates.configure(facts))["isConfigured"], .boolean(true))
    // In the clear, which this binary does not allow.
    let outcome = try object(try updates.check())
    XCTAssertEqual(outcome["kind"], .string("failed"))
    XCTAssertEqual(outcome["code"], .string("insecure-url"))
    XCTAssertTrue(try told.contains { try object($0)["type"] == .string("failed") }, "\(told)")
  }

  func testWhereUpdatesAreOffTheReasonIsTold() throws {
    let status = try object(offStatus("no key", nativeVersion: "1.0"))
    XCTAssertEqual(status["isConfigured"], .boolean(false))
    XCTAssertEqual(try readObject(status["problem"], "")["message"], .string("no key"))
  }

  func testOfProgressTheLastIsToldAndNotAll() {
    var (now, sent): (Double, [String]) = (0, [])
    let pace = EventPace { now }
    let progress = { (bytes: Int) in "{\"type\":\"progress\",\"receivedBytes\":\(bytes)}" }
    for bytes in 0..<100 {
      pace.hear(progress(bytes)) { sent.append($0) }
      now += 10
    }
    XCTAssertEqual(sent.count, 10)
    pace.hear("{\"type\":\"state\"}") { sent.append($0) }
    XCTAssertEqual(sent.suffix(2), [progress(99), "{\"type\":\"state\"}"])
  }

  func testARestartChoosesAnew() throws {
    let updates = self.updates()
    let before = updates.calls()
    XCTAssertTrue(before.restart { true })
    // What JavaScript says whose place was taken is not of what was chosen after it.
    XCTAssertFalse(try before.confirm())
    XCTAssertFalse(try before.rollBack())
    XCTAssertFalse(before.crashed())
    XCTAssertFalse(before.restart { true })
    let after = updates.calls()
    XCTAssertTrue(try after.confirm())
    XCTAssertFalse(after.restart { false })
    XCTAssertFalse(try after.confirm())
    XCTAssertFalse(try updates.calls().confirm())
  }

  func testARestartWaitsForWhatIsUnderWay() {
    let lock = WorkLock()
    let (isReading, mayEnd, hasWritten) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0), expectation(description: "it wrote"))
    var order: [String] = []
    Thread.detachNewThread {
      lock.read {
        isReading.signal()
        mayEnd.wait()
        order.append("read")
      }
    }
    isReading.wait()
    Thread.detachNewThread {
      lock.write { order.append("written") }
      hasWritten.fulfill()
    }
    mayEnd.signal()
    wait(for: [hasWritten], timeout: 60)
    XCTAssertEqual(order, ["read", "written"])
    XCTAssertEqual(lock.read { order.count }, 2)
  }
}
