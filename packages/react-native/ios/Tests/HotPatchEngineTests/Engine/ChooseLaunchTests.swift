import XCTest

@testable import HotPatchEngine

/// Every case of vectors/engine/launch.json.
final class ChooseLaunchTests: XCTestCase {
  func testTheNextStepTowardsALaunch() throws {
    let file = try VectorFile("engine/launch").json
    let limits = Limits()
    try file.each("cases") { each in
      let slots = try each.get("slots")
      let facts = LaunchFacts(
        state: try readStoredState(stateOf(each.get("state"))),
        slots: LaunchFacts.Slots(
          bundle: try release(slots["bundle"]), previous: try release(slots["previous"]),
          pending: try release(slots["pending"])),
        count: try each["count"].map(startCount),
        binary: try readBinary(each.get("binary").value, "/binary"),
        startsOnProbation: limits.startsOnProbation,
        badStartsInARow: limits.badStartsInARow)
      XCTAssertEqual(jsonOf(chooseLaunch(facts)), try each.get("step").value, "\(each)")
    }
  }

  /// What the choice does not look at is not in the vectors.
  private func stateOf(_ vector: Vector) throws -> JsonValue {
    var state = try readObject(vector.value, "/state")
    for (name, value) in [
      ("fetching", JsonValue.null), ("highWater", .number(0)), ("failed", .array([])), ("refused", .array([])),
      ("failedPatches", .array([])), ("unreported", .array([])),
    ] where state[name] == nil {
      state[name] = value
    }
    return .object(state)
  }

  private func release(_ vector: Vector?) throws -> InstalledRelease? {
    try vector.map { try readInstalledRelease($0.value) }
  }

  private func startCount(_ vector: Vector) throws -> StartCount {
    StartCount(
      releaseId: try vector.text("releaseId"), standing: try readOneOf(vector.get("standing").value, "/standing"),
      starts: try vector.number("starts"), hasCrashed: try vector.boolean("hasCrashed"),
      isReady: try vector.boolean("isReady"))
  }

  private func jsonOf(_ step: LaunchStep) -> JsonValue {
    switch step {
    case .forgetStaged: return jsonObject([("kind", .string("forget-staged"))])
    case .launch(let active):
      let release = active.map { active -> JsonValue in
        guard case .object(var release) = writeInstalledRelease(active.release) else { return .null }
        release["standing"] = .string(active.standing.rawValue)
        return .object(release)
      }
      return jsonObject([("kind", .string("launch")), ("release", release ?? .null)])
    case .move(let move):
      let json = jsonObject([
        ("from", .string(move.source.from)),
        ("release", move.source.release.map(writeInstalledRelease) ?? .null),
        ("why", .string(move.why.rawValue)), ("keepsCurrent", .boolean(move.keepsCurrent)),
      ])
      return jsonObject([("kind", .string("move")), ("move", json)])
    }
  }
}
