import XCTest

@testable import HotPatchEngine

final class TimestampTests: XCTestCase {
  func testMillisecondsAsText() {
    let cases = [
      (0, "1970-01-01T00:00:00.000Z"), (1_767_225_600_000, "2026-01-01T00:00:00.000Z"),
      (951_782_399_999, "2000-02-28T23:59:59.999Z"), (951_782_400_000, "2000-02-29T00:00:00.000Z"),
      (951_868_800_000, "2000-03-01T00:00:00.000Z"), (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
      (-1, "1969-12-31T23:59:59.999Z"),
    ]
    for (milliseconds, text) in cases { XCTAssertEqual(timestamp(milliseconds), text) }
  }

  func testWhatIsWrittenIsReadAsTheSameTime() {
    for day in stride(from: -20_000, through: 40_000, by: 37) {
      let milliseconds = day * 86_400_000 + 12_345
      XCTAssertEqual(timeOf(timestamp(milliseconds)), Double(milliseconds))
    }
  }
}
