import XCTest

@testable import HotPatchEngine

/// Engine §6, for every file of vectors/engine/stories: the power goes at any change of the disk.
final class StoryTests: XCTestCase {
  func testTheUndisturbedStory() throws {
    try eachStory { name, file in
      let story = try Story(file)
      try story.live(Story.goals(file))
      let changes = try readInteger(file.json["changes"], "/changes", minimum: 1)
      XCTAssertEqual(jsonTexts(story.server.told), file.json["told"], name)
      XCTAssertEqual(story.life.disk.log.count, changes, "\(name): its changes")
      XCTAssertGreaterThan(changes, 300, "\(name) has enough places to be disturbed at")
    }
  }

  func testThePowerGoesAtEveryChange() throws {
    try eachStory { name, file in
      let goals = try Story.goals(file)
      let changes = try readInteger(file.json["changes"], "/changes", minimum: 1)
      for survival in Survival.extremes {
        for stopAt in EveryCut.positions(changes, step: 6, offset: survival.isWorst ? 0 : 3) {
          try expectTheSame(file, goals, "\(name) stopped at \(stopAt), \(survival)") {
            let story = try Story(file, stopAt: stopAt, cuts: [PowerCut(survival: survival)])
            try story.live(goals)
            XCTAssertEqual(story.cutCount, 1, "\(name) stopped at \(stopAt)")
            return story
          }
        }
      }
    }
  }

  func testThePowerGoesAgainWhileTheDeviceRecovers() throws {
    let laters = EveryCut.isPlayed ? [1, 2, 3, 5, 8, 13, 21] : [1, 2, 13]
    let every = EveryCut.isPlayed ? 3 : 36
    try eachStory { name, file in
      let goals = try Story.goals(file)
      let changes = try readInteger(file.json["changes"], "/changes", minimum: 1)
      for later in laters {
        for stopAt in stride(from: 1 + later % every, through: changes, by: every) {
          for survival in Survival.extremes {
            let again = PowerCut(survival: later % 2 == 1 ? .worst : .best)
            try expectTheSame(file, goals, "\(name) stopped at \(stopAt), \(survival), then \(later) later") {
              // Two cuts between a start and its confirmation are two starts without one: one more must be allowed.
              let story = try Story(
                file, stopAt: stopAt, cuts: [PowerCut(survival: survival, nextStopAt: later), again],
                startsOnProbation: 3)
              try story.live(goals)
              return story
            }
          }
        }
      }
    }
  }

  private func expectTheSame(
    _ file: ScenarioFile, _ goals: [StoryGoal], _ place: String, _ live: () throws -> Story
  ) throws {
    do {
      let story = try live()
      XCTAssertEqual(jsonTexts(story.server.told), file.json["told"], place)
    } catch {
      XCTFail("\(place): \(error)")
    }
  }

  private func eachStory(_ play: (String, ScenarioFile) throws -> Void) throws {
    for (name, file) in try ScenarioFile.all(in: "stories") { try play(name, file) }
  }
}
