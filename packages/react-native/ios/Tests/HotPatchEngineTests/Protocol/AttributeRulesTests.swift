import XCTest

@testable import HotPatchEngine

/// vectors/attribute-rules.json.
final class AttributeRulesTests: XCTestCase {
  func testWhatDevicesTellMeetsRulesOrNot() throws {
    try VectorFile("attribute-rules").json.each("cases") { each in
      let rules = try readAttributeRules(try each.get("rules").value, "")
      let told = ToldAttributes(deviceOf(try readAttributes(try each.get("told"))))
      XCTAssertEqual(told.meet(rules), try each.boolean("meets"), "\(each)")
    }
  }

  func testWhatIsNoRule() throws {
    try VectorFile("attribute-rules").json.each("refused") { each in
      XCTAssertThrowsError(try readAttributeRules(each["rules"]?.value, "/rules"), "\(each)") { error in
        XCTAssertEqual((error as? UnexpectedJsonError)?.pointer, "/rules\((try? each.text("pointer")) ?? "")", "\(each)")
      }
    }
  }

  func testWhatLooksLikeANameIsNone() {
    // The Kelvin sign, which Swift takes for the letter K.
    let rules = JsonValue.array([jsonObject([("attribute", .string("decryption\u{212a}eyId")), ("in", jsonTexts(["a"]))])])
    XCTAssertThrowsError(try readAttributeRules(rules, ""))
  }

  private func deviceOf(_ told: [ExactText: String]) -> Device {
    var attributes = told
    let nativeVersion = attributes.removeValue(forKey: ExactText("nativeVersion"))
    let runtimeVersion = attributes.removeValue(forKey: ExactText("runtimeVersion"))
    return Device(
      id: "device-1", nativeVersion: nativeVersion, runtimeVersion: runtimeVersion, currentReleaseId: nil,
      failedReleaseIds: [], attributes: attributes, trust: nothingTaken)
  }
}
