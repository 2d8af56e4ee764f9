import XCTest

@testable import HotPatchEngine

/// Every file of vectors/engine/scenarios: what an engine is told and asks, and what comes of it.
final class ScenarioTests: XCTestCase {
  func testEveryScenario() throws {
    for (name, file) in try ScenarioFile.all(in: "scenarios") { try ScenarioPlayer(file, name).playAll() }
  }
}

/// vectors/edge/scenarios.json: the same, by an edge.
final class EdgeScenarioTests: XCTestCase {
  func testEveryScenario() throws {
    let file = try ScenarioFile(vectorsFolder().appendingPathComponent("edge/scenarios.json"))
    try ScenarioPlayer(file, "edge").playAll()
  }
}

private struct ScenarioPlayer {
  let file: ScenarioFile
  let name: String

  init(_ file: ScenarioFile, _ name: String) {
    self.file = file
    self.name = name
  }

  func playAll() throws {
    let cases = try readArray(file.json["cases"], "/cases", maxLength: 10_000)
    XCTAssertFalse(cases.isEmpty, "\(name) has no cases")
    for value in cases {
      let each = try readObject(value, "/cases")
      let comment = try readString(each["comment"], "/comment")
      do {
        try play(file, each, "\(name), \(comment)")
      } catch {
        XCTFail("\(name), \(comment): \(error)")
      }
    }
  }

  /// One case from an empty disk on.
  private func play(_ file: ScenarioFile, _ each: JsonObject, _ name: String) throws {
    let own = try each["device"].map { try readObject($0, "/device") } ?? JsonObject()
    let device = try DeviceOptions(file.device, own)
    let appKey = try device.config["appKey"].map { try readString($0, "/appKey") }
    let clock = VirtualClock()
    let network = ScriptedNetwork(file, clock, appKey: appKey)
    let life = ScenarioLife(file, device, clock, network)
    let prelude = try file.json["prelude"].map { try readArray($0, "/prelude", maxLength: 1000) } ?? []
    let steps = prelude + (try readArray(each["steps"], "/steps", maxLength: 1000))
    for (index, value) in steps.enumerated() {
      let step = try readObject(value, "/steps/\(index)")
      let action = try readString(step["do"], "/do")
      let exchanges = try step["exchanges"].map { try readArray($0, "/exchanges", maxLength: 1000) } ?? []
      try network.expect(exchanges)
      let logged = (life.disk.arrangements, life.disk.log.count)
      var seen = try act(action, step, life)
      let place = "\(name), step \(index + 1), \(action)"
      let faults = network.takeFaults()
      if !faults.isEmpty { return XCTFail("\(place): \(faults.joined(separator: "; "))") }
      observe(&seen, step, life, logged)
      for (field, found) in seen.fields {
        let expected = step[field]
        if let difference = firstDifference(loosened(found, expected), expected, at: field) {
          return XCTFail("\(place): \(difference)")
        }
      }
      if let launch = step["launch"] { try expectWhole(launch, life, place) }
    }
  }

  private func act(_ action: String, _ step: JsonObject, _ life: ScenarioLife) throws -> JsonObject {
    switch action {
    case "boot":
      return JsonObject([("launch", jsonOf(try life.boot(inBackground: isTrue(step["inBackground"]))))])
    case "confirm":
      let result = try life.running.confirm()
      try life.running.flushReports()
      return JsonObject([("result", .boolean(result))])
    case "rollBack": return JsonObject([("result", .boolean(try life.running.rollBack()))])
    case "crashed": try life.running.crashed()
    case "flushReports": try life.running.flushReports()
    case "check": return JsonObject([("outcome", jsonOf(try life.running.check()))])
    case "download": return JsonObject([("outcome", jsonOf(try life.running.download()))])
    case "sync": return JsonObject([("outcome", jsonOf(try life.running.sync()))])
    case "wait": life.clock.sleep(ms: Double(try readInteger(step["ms"], "/ms", minimum: 0)))
    case "setClock": life.clock.set(byMs: Double(try readInteger(step["byMs"], "/byMs", minimum: -maxSafeInteger)))
    case "host": try life.device.changeHost(step["change"])
    case "config": try life.device.changeConfig(step["change"])
    case "embedded": life.device.changeEmbedded(step["shipped"])
    case "write":
      let bytes = try life.file.bytesOf(readString(step["body"], "/body"))
      try life.write(readString(step["path"], "/path"), bytes)
    case "remove": try life.disk.remove(readString(step["path"], "/path"))
    case "fullDisk": life.disk.arrange(fullAt: try readBoolean(step["isFull"], "/isFull") ? 1 : .max)
    case "freeBytes":
      life.disk.free = step["bytes"] == .null ? nil : try readInteger(step["bytes"], "/bytes", minimum: 0)
    case "powerCut": life.cutPower(try readString(step["survives"], "/survives") == "nothing" ? .worst : .best)
    default: XCTFail("a scenario does not say how to \(action)")
    }
    return JsonObject()
  }

  /// Of what was seen, what this step says anything of; and what nothing may be seen of unless the step says so.
  private func observe(_ seen: inout JsonObject, _ step: JsonObject, _ life: ScenarioLife, _ logged: (Int, Int)) {
    for (field, _) in seen.fields where step[field] == nil { seen[field] = nil }
    let (states, events, restarts) = (life.takeStates(), life.takeEvents(), life.takeRestarts())
    if !states.isEmpty || step["states"] != nil { seen["states"] = .array(states) }
    if !events.isEmpty || step["events"] != nil { seen["events"] = .array(events) }
    if restarts > 0 || step["restarts"] != nil { seen["restarts"] = jsonNumber(restarts) }
    if step["status"] != nil { seen["status"] = (try? life.running.status()).map { jsonOf($0) } ?? .null }
    if step["files"] != nil { seen["files"] = .object(jsonOf(life.disk)) }
    if case .object(let json)? = step["json"] {
      let files = jsonOf(life.disk)
      seen["json"] = .object(JsonObject(json.fields.map { ($0.name, jsonAt(files, $0.name)) }))
    }
    if step["operations"] != nil {
      let isAnew = life.disk.arrangements != logged.0
      seen["operations"] = jsonTexts(isAnew ? life.disk.log : Array(life.disk.log.dropFirst(logged.1)))
    }
    for field in ["launch", "outcome", "result"] where step[field] != nil && seen[field] == nil { seen[field] = .null }
  }

  private func jsonAt(_ files: JsonObject, _ path: String) -> JsonValue {
    switch files[path] {
    case nil: return .null
    case .object(let file)?: return file["json"] ?? .null
    case let digest?: return digest
    }
  }

  /// Every file compared, none more, none fewer.
  private func expectWhole(_ launch: JsonValue, _ life: ScenarioLife, _ place: String) throws {
    guard case .object(let json) = launch, json["kind"] != .string("embedded") else { return }
    var tree = life.disk.tree("ota/\(try readString(json["slot"], "/slot"))")
    tree?[ExactText(StorageLayout.marker)] = nil
    let releaseId = try readString(json["releaseId"], "/releaseId")
    XCTAssertEqual(tree, try life.file.filesOfRelease(releaseId), "\(place): the files of \(releaseId)")
  }
}
