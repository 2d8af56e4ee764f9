import HotPatchPorts
import XCTest

@testable import HotPatchEngine

/// The machine's own, or one that has no brotli.
private final class OptionalBrotli: UnpackingPort {
  private let system = SystemUnpacking()
  let hasBrotli: Bool

  init(_ hasBrotli: Bool) {
    self.hasBrotli = hasBrotli
  }

  func rawInflater() -> RawInflater { system.rawInflater() }

  func unpackBrotli(_ packed: [UInt8], sizeBytes: Int) throws -> [UInt8] {
    try system.unpackBrotli(packed, sizeBytes: sizeBytes)
  }
}

/// One device: its disk outlives its processes, and everything that it cannot know is always the same.
final class ScenarioLife {
  let file: ScenarioFile
  let clock: VirtualClock
  private(set) var disk = MemoryFiles()
  var device: DeviceOptions
  private let crypto = CountingCrypto()
  /// From the next process on.
  var network: HttpPort
  private(set) var engine: Engine?
  private(set) var restarts = 0
  private var states: [JsonValue] = []
  private var events: [JsonValue] = []

  init(_ file: ScenarioFile, _ device: DeviceOptions, _ clock: VirtualClock, _ network: HttpPort) {
    self.file = file
    self.device = device
    self.clock = clock
    self.network = network
  }

  var running: Engine { get throws { try XCTUnwrap(engine, "a scenario begins with boot") } }

  /// A new process over the same disk.
  func boot(inBackground: Bool = false) throws -> Launch {
    let engine = Engine(try ports(), limits: try device.engineLimits())
    _ = engine.subscribe { [unowned self] in hear($0) }
    self.engine = engine
    let launched = engine.start(inBackground: inBackground)
    try engine.configure(device.engineConfig())
    return launched
  }

  func ports() throws -> Ports {
    let embedded = device.embedded.flatMap { $0 == .null ? nil : $0 }
    return Ports(
      files: disk, http: network, crypto: crypto, clock: clock,
      host: try device.hostPort(restart: { [unowned self] in restarts += 1 }),
      unpacking: OptionalBrotli(device.hasBrotli),
      embeddedFiles: try embedded.map { MemoryEmbeddedFiles(try file.filesOf($0, "/embedded")) },
      encryption: device.hasEncryption ? SystemCrypto() : nil)
  }

  func cutPower(_ survival: Survival) {
    let free = disk.free
    disk = disk.cutPower(survival)
    disk.free = free
  }

  /// Durably, as if it had always been there.
  func write(_ path: String, _ bytes: [UInt8]) throws {
    var parents = [""]
    for name in parentOf(path).split(separator: "/") {
      parents.append(parents.count == 1 ? String(name) : "\(parents[parents.count - 1])/\(name)")
    }
    for parent in parents.dropFirst() { try disk.makeDirectory(parent) }
    try disk.write(path, bytes)
    for parent in parents { try disk.syncDirectory(parent) }
  }

  func takeStates() -> [JsonValue] {
    defer { states = [] }
    return states
  }

  func takeEvents() -> [JsonValue] {
    defer { events = [] }
    return events
  }

  func takeRestarts() -> Int {
    defer { restarts = 0 }
    return restarts
  }

  private func hear(_ event: EngineEvent) {
    switch event {
    case .state(let state, _): states.append(.string(state.rawValue))
    case .patchFailed(let reason, _, let releaseId):
      events.append(
        jsonObject([("type", .string("patch-failed")), ("reason", .string(reason)), ("releaseId", .string(releaseId))]))
    case .downloaded(let arrival, let receivedBytes, let sizeBytes, let releaseId):
      events.append(
        jsonObject([
          ("type", .string("downloaded")), ("arrival", .string(arrival.rawValue)),
          ("receivedBytes", jsonNumber(receivedBytes)), ("sizeBytes", jsonNumber(sizeBytes)),
          ("releaseId", .string(releaseId)),
        ]))
    case .reportDropped(let report, _):
      events.append(jsonObject([("type", .string("report-dropped")), ("eventId", .string(report.eventId))]))
    case .edgeRefused(let error):
      events.append(jsonObject([("type", .string("edge-refused")), ("code", .string(error.code.rawValue))]))
    case .progress, .failed: break
    }
  }
}
