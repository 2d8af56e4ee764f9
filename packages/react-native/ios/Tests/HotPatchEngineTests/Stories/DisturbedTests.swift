import XCTest

@testable import HotPatchEngine

/// Engine §6 beyond the story: the power goes, or the disk is full, while something goes wrong already.
final class DisturbedTests: XCTestCase {
  func testAConfirmedReleaseCrashesAndThePowerGoes() throws {
    try eachStory { file, goals in
      let undisturbed = try crashLate(file, goals, stopAt: .max, .worst)
      let places = undisturbed.life.disk.log.count
      XCTAssertGreaterThan(places, 30)
      let told = undisturbed.server.told
      XCTAssertEqual(told.filter { $0.contains("rolled-back") }, ["release-1.1.0 rolled-back crashed-after-confirm"])
      for survival in Survival.extremes {
        for stopAt in EveryCut.positions(places, step: 4, offset: survival.isWorst ? 0 : 2) {
          let story = try crashLate(file, goals, stopAt: stopAt, survival)
          XCTAssertEqual(story.cutCount, 1, "stopped at \(stopAt)")
          XCTAssertEqual(story.server.told, told, "stopped at \(stopAt), \(survival)")
        }
      }
    }
  }

  func testThePowerGoesWhileTheBinaryIsAnotherBuild() throws {
    try eachStory { file, goals in
      for survival in Survival.extremes {
        var stopAt = 1
        while try !replaceBinary(file, goals, stopAt: stopAt, survival) { stopAt += EveryCut.isPlayed ? 1 : 2 }
        XCTAssertGreaterThan(stopAt, 10)
      }
    }
  }

  func testThePowerGoesWhileAStagedUpdateIsReplaced() throws {
    try eachStory { file, goals in
      for survival in Survival.extremes {
        var stopAt = survival.isWorst ? 1 : 2
        while try !replaceStaged(file, goals, stopAt: stopAt, survival) { stopAt += EveryCut.isPlayed ? 1 : 5 }
        XCTAssertGreaterThan(stopAt, 40)
      }
    }
  }

  func testWhatIsMovedIntoPlaceIsTorn() throws {
    try eachStory { file, goals in
      for stopAt in 1..<30 {
        let story = try Story(file)
        try story.pursue(goals[0])
        let life = story.life
        story.server.target = goals[1].target
        _ = try life.running.sync()
        life.disk.arrange(stopAt: stopAt)
        _ = try life.boot()
        life.cutPower(.best)
        if try life.disk.stat(Slot.pending.path) == nil { break }
        try life.disk.write("\(Slot.pending.path)/index.bundle", [UInt8](repeating: 0, count: 7))
        XCTAssertEqual(try story.identify(life.boot()), "1.0.0", "stopped at \(stopAt)")
      }
    }
  }

  func testTheDiskIsFullFromAChangeOn() throws {
    try eachStory { file, goals in
      let undisturbed = try Story(file)
      try undisturbed.live(goals)
      for fullAt in EveryCut.positions(undisturbed.life.disk.log.count, step: 9, offset: 0) {
        let story = try Story(file)
        story.life.disk.arrange(fullAt: fullAt)
        for goal in goals {
          story.server.target = goal.target
          var never = goal
          never.runs = "nothing"
          for _ in 0..<3 { _ = try story.session(never) }
        }
        story.life.disk.arrange()
        for goal in goals { try story.pursue(goal) }
      }
    }
  }

  private func crashLate(
    _ file: ScenarioFile, _ goals: [StoryGoal], stopAt: Int, _ survival: Survival
  ) throws -> Story {
    let story = try Story(file)
    try story.live(goals)
    story.cuts = [PowerCut(survival: survival)]
    story.life.disk.arrange(stopAt: stopAt)
    try story.pursue(StoryGoal(target: nil, runs: "1.0.0", crashes: true))
    try story.life.running.flushReports()
    return story
  }

  /// True when it was over before the power went.
  private func replaceBinary(
    _ file: ScenarioFile, _ goals: [StoryGoal], stopAt: Int, _ survival: Survival
  ) throws -> Bool {
    let story = try Story(file)
    try story.live(goals)
    let life = story.life
    try life.device.changeHost(jsonObject([("nativeBuild", .string("8"))]))
    life.disk.arrange(stopAt: stopAt)
    XCTAssertEqual(try story.identify(life.boot()), embeddedVersion)
    let isOver = !life.disk.hasStopped
    if isOver { life.disk.arrange() } else { life.cutPower(survival) }
    XCTAssertEqual(try story.identify(life.boot()), embeddedVersion, "stopped at \(stopAt)")
    try life.running.flushReports()
    XCTAssertEqual(story.server.told.filter { $0 == "embedded applied" }.count, 1, "stopped at \(stopAt)")
    for slot in Slot.allCases { XCTAssertNil(life.disk.tree(slot.path), "stopped at \(stopAt)") }
    story.server.target = goals[1].target
    _ = try life.running.sync()
    XCTAssertEqual(try story.identify(life.boot()), goals[1].runs)
    return isOver
  }

  private func replaceStaged(
    _ file: ScenarioFile, _ goals: [StoryGoal], stopAt: Int, _ survival: Survival
  ) throws -> Bool {
    let story = try Story(file)
    let life = story.life
    story.server.target = goals[0].target
    _ = try life.boot()
    _ = try life.running.sync()
    story.server.target = goals[1].target
    life.disk.arrange(stopAt: stopAt)
    _ = try life.running.sync()
    let isOver = !life.disk.hasStopped
    life.cutPower(survival)
    let runs = try story.identify(life.boot())
    XCTAssertTrue([embeddedVersion, goals[0].runs, goals[1].runs].contains(runs), "stopped at \(stopAt): \(runs)")
    _ = try life.running.sync()
    XCTAssertEqual(try story.identify(life.boot()), goals[1].runs, "stopped at \(stopAt)")
    try life.running.flushReports()
    // Nothing is called damaged that is not.
    XCTAssertEqual(story.server.told.filter { $0.contains(" failed") }, [], "stopped at \(stopAt)")
    return isOver
  }

  /// With the first two goals: two good releases.
  private func eachStory(_ play: (ScenarioFile, [StoryGoal]) throws -> Void) throws {
    for (_, file) in try ScenarioFile.all(in: "stories") { try play(file, Array(Story.goals(file).prefix(2))) }
  }
}
