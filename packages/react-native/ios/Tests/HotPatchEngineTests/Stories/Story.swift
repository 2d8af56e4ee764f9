import XCTest

@testable import HotPatchEngine

/// What happens to the disk at a power cut, and when it goes again afterwards.
struct PowerCut {
  var survival: Survival
  var nextStopAt = Int.max
}

struct StoryGoal {
  var target: JsonObject?
  var runs: String
  var standing: String?
  var hasFailed = false
  /// What runs crashes, instead of being confirmed and updated.
  var crashes = false
}

/// One life of a device, which the power may cut short.
final class Story {
  let file: ScenarioFile
  let life: ScenarioLife
  let server: StoryServer
  private(set) var cutCount = 0
  var cuts: [PowerCut]
  private var highWater = 0
  private let confirms: [String]

  init(_ file: ScenarioFile, stopAt: Int = .max, cuts: [PowerCut] = [], startsOnProbation: Int = 2) throws {
    self.file = file
    self.cuts = cuts
    server = StoryServer(file)
    let limits = jsonObject([("startsOnProbation", jsonNumber(startsOnProbation))])
    let device = try DeviceOptions(file.device, JsonObject([("limits", limits)]))
    life = ScenarioLife(file, device, VirtualClock(), server)
    confirms = try readArray(file.json["confirms"], "/confirms", maxLength: 100).map { try readString($0, "/confirms") }
    life.disk.arrange(stopAt: stopAt)
    let life = life
    server.isReachable = { !life.disk.hasStopped }
  }

  static func goals(_ file: ScenarioFile) throws -> [StoryGoal] {
    try readArray(file.json["goals"], "/goals", maxLength: 100).map { value in
      let goal = try readObject(value, "/goals")
      let reached = try readObject(goal["isReached"], "/isReached")
      return StoryGoal(
        target: try target(file, readString(goal["target"], "/target")),
        runs: try readString(reached["runs"], "/runs"),
        standing: try reached["standing"].map { try readString($0, "/standing") },
        hasFailed: isTrue(reached["hasFailed"]))
    }
  }

  static func target(_ file: ScenarioFile, _ name: String) throws -> JsonObject {
    try readObject(readObject(file.json["targets"], "/targets")[name], "/targets/\(name)")
  }

  func live(_ goals: [StoryGoal]) throws {
    for goal in goals { try pursue(goal) }
    try life.running.flushReports()
  }

  func pursue(_ goal: StoryGoal) throws {
    server.target = goal.target
    for _ in 0..<12 where try session(goal) { return }
    throw NetworkError(description: "\(goal.runs) was not reached: \(writeJson(jsonOf(try life.running.status())))")
  }

  /// One process: start, confirm what deserves it, and go on with the update. True once the goal is reached.
  func session(_ goal: StoryGoal) throws -> Bool {
    let launched = try life.boot()
    if cutPowerIfStopped() { return false }
    let runs = try identify(launched)
    let engine = try life.running
    let status = try engine.status()
    XCTAssertGreaterThanOrEqual(status.highWater, highWater, "the high-water mark never falls")
    highWater = status.highWater
    let isThere = try isReached(goal, runs)
    if goal.crashes && !isThere {
      try? engine.crashed()  // The power may be off.
      _ = cutPowerIfStopped()
      return false
    }
    if confirms.contains(where: { isSameText($0, runs) }) { try engine.confirm() }
    try engine.flushReports()
    if cutPowerIfStopped() { return false }
    if try isReached(goal, runs) { return true }
    _ = try engine.sync()
    _ = cutPowerIfStopped()
    return false
  }

  /// The version of what was launched, of which every file is compared: none more, none fewer.
  func identify(_ launched: Launch) throws -> String {
    guard case .release(let release) = launched else { return embeddedVersion }
    var tree = life.disk.tree(String(release.directory.dropFirst("/memory/".count)))
    tree?[ExactText(StorageLayout.marker)] = nil
    XCTAssertEqual(tree, try file.filesOfRelease(release.releaseId), "the files of \(release.releaseId)")
    return release.version
  }

  private func isReached(_ goal: StoryGoal, _ runs: String) throws -> Bool {
    let status = try life.running.status()
    return isSameText(goal.runs, runs) && (goal.standing == nil || status.standing?.rawValue == goal.standing)
      && (!goal.hasFailed || !status.failedReleaseIds.isEmpty)
  }

  @discardableResult
  private func cutPowerIfStopped() -> Bool {
    if !life.disk.hasStopped { return false }
    let cut = cuts.isEmpty ? PowerCut(survival: .worst) : cuts.removeFirst()
    life.cutPower(cut.survival)
    life.disk.arrange(stopAt: cut.nextStopAt)
    cutCount += 1
    return true
  }
}
