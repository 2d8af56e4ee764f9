import XCTest

@testable import HotPatchEngine

/// vectors/buckets.json.
final class BucketsTests: XCTestCase {
  private func vectors() throws -> Vector { try VectorFile("buckets").json }

  func testHashes() throws {
    try vectors().each("hashes") { each in
      let (salt, id) = (try each.text("salt"), try each.text("deviceId"))
      XCTAssertEqual(Int(fnv1a32(salt + id)), try each.number("fnv1a32"), "\(each)")
      XCTAssertEqual(bucketOf(salt, id, .hundred), try each.number("bucketOf100"), "\(each)")
      XCTAssertEqual(bucketOf(salt, id, .tenThousand), try each.number("bucketOf10000"), "\(each)")
    }
  }

  func testBucketsOfAThousand() throws {
    try vectors().each("cohorts") { each in
      let bucket = bucketOf(try each.text("salt"), try each.text("deviceId"), .thousand)
      XCTAssertEqual(bucket, try each.number("bucketOf1000"), "\(each)")
    }
  }

  func testCodePush() throws {
    try vectors().each("codePush") { each in
      let (salt, id, bucket) = (try each.text("salt"), try each.text("deviceId"), try each.number("bucket"))
      XCTAssertEqual(bucketOf(salt, id, .codePush), bucket, "\(each)")
      XCTAssertFalse(isInPercentage(Double(bucket), salt, id, .codePush), "\(each)")
      XCTAssertTrue(isInPercentage(Double(bucket + 1), salt, id, .codePush), "\(each)")
    }
  }

  func testSlices() throws {
    try vectors().each("slices") { each in
      let (salt, id) = (try each.text("salt"), try each.text("deviceId"))
      XCTAssertEqual(Int(fnv1a32(salt + id)), try each.number("fnv1a32"), "\(each)")
      XCTAssertEqual(sliceBucketOf(salt, id), try each.number("sliceBucket"), "\(each)")
    }
  }

  /// No text of Swift has one: it is what stands for one in every other.
  func testHalvesOfCharacters() throws {
    try vectors().each("loneSurrogates") { each in
      let units = try each.get("deviceIdUtf16").items.map { UInt16(try readInteger($0.value, $0.place, minimum: 0)) }
      XCTAssertEqual(Int(fnv1a32(String(decoding: units, as: UTF16.self))), try each.number("fnv1a32"), "\(each)")
    }
  }

  func testPercentages() throws {
    try vectors().each("percentages") { each in
      let count = try each.number("buckets")
      let rule = try XCTUnwrap(BucketRule.allCases.first { $0.count == count })
      let isIn = isInPercentage(try each.double("percentage"), try each.text("salt"), try each.text("deviceId"), rule)
      XCTAssertEqual(isIn, try each.boolean("isIn"), "\(each)")
    }
  }

  func testOddPercentagesHaveAnAnswer() {
    for rule in BucketRule.allCases {
      XCTAssertFalse(isInPercentage(.nan, "", "device-1", rule))
      XCTAssertFalse(isInPercentage(-1, "", "device-1", rule))
      XCTAssertTrue(isInPercentage(.infinity, "", "device-1", rule))
    }
  }
}
