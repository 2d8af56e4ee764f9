import XCTest

@testable import HotPatchEngine

final class ReportTests: XCTestCase {
  func testADetailThatIsTooLongIsCutBetweenCharacters() {
    XCTAssertEqual(shortDetail(String(repeating: "a", count: 200)).count, 200)
    XCTAssertEqual(shortDetail(String(repeating: "a", count: 201)), String(repeating: "a", count: 199) + "…")
    let text = String(repeating: "a", count: 198) + "😀😀"
    XCTAssertEqual(shortDetail(text), String(repeating: "a", count: 198) + "…")
  }
}
