import XCTest

@testable import HotPatchEngine

/// Engine §6: whatever happens, what starts is whole and verified, and nothing goes below the floor. What happens is
/// drawn, and the same for the same seed.
final class RandomStoriesTests: XCTestCase {
  func testWhateverHappensWhatStartsIsWhole() throws {
    for (name, file) in try ScenarioFile.all(in: "stories") {
      for seed in 1...(EveryCut.isPlayed ? 3000 : 60) {
        do {
          try RandomLife(file, seed: seed).live()
        } catch {
          XCTFail("\(name), seed \(seed): \(error)")
        }
      }
    }
  }
}

private final class RandomLife {
  private let story: Story
  private let file: ScenarioFile
  private let targets: [JsonObject?]
  private var state: UInt64
  private var survival = Survival.worst
  private var isUp = true
  private var last = (highWater: 0, floor: 0, runs: embeddedVersion)
  private var failed: Set<String> = []

  init(_ file: ScenarioFile, seed: Int) throws {
    self.file = file
    state = UInt64(seed) &* 0x9e37_79b9_7f4a_7c15
    story = try Story(file)
    targets = [nil] + (try Story.goals(file).map(\.target))
  }

  func live() throws {
    let life = story.life
    story.server.isReachable = { [unowned self] in isUp && !life.disk.hasStopped }
    try boot()
    for _ in 0..<Int(5 + draw() * 35) {
      try carryOut()
      while life.disk.hasStopped {
        life.cutPower(survival)
        try boot()
      }
    }
    try expectAGoodReleaseArrives()
  }

  /// SplitMix64.
  private func draw() -> Double {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = (state ^ (state >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return Double((mixed ^ (mixed >> 31)) >> 11) / 9_007_199_254_740_992
  }

  private func carryOut() throws {
    let (life, engine) = (story.life, try story.life.running)
    switch Int(draw() * 32) {
    case 0..<6: try boot()
    case 6..<12: _ = try engine.sync()
    case 12..<16: try engine.confirm()
    case 16..<18: try? engine.crashed()  // The disk may be full; the app goes on.
    case 18..<20: try boot(inBackground: true)
    case 20: try replaceBinary("nativeBuild")
    case 21..<26: story.server.target = targets[Int(draw() * Double(targets.count))]
    case 26: isUp = draw() < 0.5
    case 27..<31:
      survival = [.worst, .best, .drawn(draw), .drawn(draw)][Int(draw() * 4)]
      life.disk.arrange(stopAt: Int(1 + draw() * 40))
    default: life.disk.arrange(fullAt: Int(1 + draw() * 30))
    }
  }

  private func replaceBinary(_ name: String) throws {
    try story.life.device.changeHost(jsonObject([(name, .string("\(Int(draw() * 1000))"))]))
    try boot()
  }

  /// Judges every start by those before it.
  private func boot(inBackground: Bool = false) throws {
    let life = story.life
    let launched = try life.boot(inBackground: inBackground)
    if life.disk.hasStopped { return }
    let runs = try story.identify(launched)
    let status = try life.running.status()
    XCTAssertGreaterThanOrEqual(status.highWater, last.highWater)
    XCTAssertGreaterThanOrEqual(status.floor, last.floor)
    failed.formUnion(status.failedReleaseIds)
    if case .release(let release) = launched {
      XCTAssertFalse(failed.contains(release.releaseId), "\(release.releaseId) failed, and runs")
      let marker = "\(release.directory.dropFirst("/memory/".count))/\(StorageLayout.marker)"
      let sequence = try readJsonFile(life.disk, marker) { value in
        try readInstalledRelease(try readObject(value, "")["release"]).sequence
      }
      if runs != last.runs { XCTAssertGreaterThanOrEqual(sequence ?? 0, status.floor) }
    }
    last = (status.highWater, status.floor, runs)
  }

  /// Calm again, the last release arrives on any device that has not seen it fail, or something later.
  private func expectAGoodReleaseArrives() throws {
    let life = story.life
    isUp = true
    life.disk.arrange()
    try boot()
    let status = try life.running.status()
    if status.failedReleaseIds.contains("release-1.2.0") || status.highWater > 12 { return }
    try life.running.confirm()
    story.server.target = try Story.target(file, "bad")
    _ = try life.running.sync()
    try boot()
    XCTAssertEqual(last.runs, "1.2.0")
  }
}
