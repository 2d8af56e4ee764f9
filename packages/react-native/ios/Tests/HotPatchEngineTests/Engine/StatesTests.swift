import XCTest

@testable import HotPatchEngine

/// vectors/engine/states.json is the table.
final class StatesTests: XCTestCase {
  func testTheTableIsThatOfTheVectors() throws {
    var rows: [String] = []
    try VectorFile("engine/states").json.each("transitions") { row in
      rows.append("\(try row.text("from")) \(try row.text("event")) \(try row.text("to"))")
    }
    XCTAssertEqual(transitions.map { "\($0.from.rawValue) \($0.event.rawValue) \($0.to.rawValue)" }, rows)
  }

  func testWhatTheTableDoesNotHaveIsRefused() {
    for state in UpdateState.allCases {
      for event in UpdateEvent.allCases where transition(state, event) == nil {
        XCTAssertThrowsError(try nextState(state, event))
      }
    }
  }
}
