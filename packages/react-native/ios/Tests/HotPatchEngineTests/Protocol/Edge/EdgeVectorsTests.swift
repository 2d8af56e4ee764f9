import XCTest

@testable import HotPatchEngine

/// vectors/edge: documents and decisions.
final class EdgeVectorsTests: XCTestCase {
  /// Static edge §4 to §6.
  func testDocumentsAreReadOrRefusedAtTheFirstThingThatIsWrong() throws {
    try VectorFile("edge/documents").json.each("cases") { each in
      let (document, text) = (try each.text("document"), try each.text("text"))
      let isUnreadable = try hasHalfACharacter(each) || isDeep(text)
      let refusedAt = isUnreadable ? "" : try each.textOrNil("refusedAt")
      guard let refusedAt else { return try expectWhole(document, text, "\(each)") }
      XCTAssertThrowsError(try expectWhole(document, text, "\(each)"), "\(each)") { error in
        XCTAssertEqual((error as? UnexpectedJsonError)?.pointer, refusedAt, "\(each): \(error)")
      }
    }
  }

  /// Deeper than this engine reads.
  private func isDeep(_ text: String) -> Bool {
    text.utf8.filter { $0 == UInt8(ascii: "[") }.count > maxJsonDepth
  }

  private func expectWhole(_ document: String, _ text: String, _ place: String) throws {
    switch document {
    case "keys": expectKeys(try readEdgeKeyDocument(text), try vector(text), place)
    case "pointer": expectPointer(try readEdgePointer(text), try vector(text), place)
    case "catalog": expectCatalog(try readEdgeCatalog(text), try vector(text), place)
    default: XCTFail("there is no document \(document)")
    }
  }

  private func vector(_ text: String) throws -> Vector {
    Vector(try readJson(text), "")
  }

  private func expectKeys(_ read: EdgeKeyDocument, _ json: Vector, _ place: String) {
    XCTAssertEqual(read.appId, try json.text("appId"), place)
    XCTAssertEqual(read.version, try json.number("version"), place)
    XCTAssertEqual(read.keys.map(\.publicKey), try json.get("keys").items.map { try $0.text("publicKey") }, place)
    XCTAssertEqual(read.keys.map(\.notAfter), try json.get("keys").items.map { try time($0, "notAfter") }, place)
  }

  private func expectPointer(_ read: EdgePointer, _ json: Vector, _ place: String) {
    XCTAssertEqual(read.appId, try json.text("appId"), place)
    XCTAssertEqual(read.platform.rawValue, try json.text("platform"), place)
    XCTAssertEqual(read.channel, try json.text("channel"), place)
    XCTAssertEqual(read.keysVersion, try json.number("keysVersion"), place)
    XCTAssertEqual(read.generation, try json.number("generation"), place)
    XCTAssertEqual(read.issuedAt, try time(json, "issuedAt"), place)
    XCTAssertEqual(read.expiresAt, try time(json, "expiresAt"), place)
    XCTAssertEqual(read.sha256, try json.get("catalog").text("sha256"), place)
    XCTAssertEqual(read.sizeBytes, try json.get("catalog").number("sizeBytes"), place)
  }

  private func expectCatalog(_ read: EdgeCatalog, _ json: Vector, _ place: String) {
    XCTAssertEqual(read.channel, try json.text("channel"), place)
    XCTAssertEqual(read.floor, try json.number("floor"), place)
    XCTAssertEqual(read.releases.map(\.release.id), try json.get("releases").items.map { try $0.text("id") }, place)
    XCTAssertEqual(read.rollouts.map(\.position), try json.get("rollouts").items.map { try $0.number("position") }, place)
  }

  private func time(_ json: Vector, _ name: String) throws -> Int {
    Int(try XCTUnwrap(timeOf(try json.text(name))))
  }

  /// Static edge §8.
  func testDecisionsAtTheEdge() throws {
    try VectorFile("edge/decisions").json.each("cases") { each in
      let catalog = CompiledEdgeCatalog(try readEdgeCatalog(writeJson(try each.get("catalog").value)))
      let device = try readDevice(try each.get("device"))
      let found = summaryOf(decideAtEdge(catalog, device, now: 0, running: try each.numberOrNil("running")))
      XCTAssertEqual(found, try each.get("expected").value, "\(each)")
    }
  }
}

/// As the vectors write it.
func summaryOf(_ found: Decision?) -> JsonValue {
  guard let found else { return jsonObject([("kind", .string("asks-server"))]) }
  let note = ("nativeUpdate", jsonOrNull(found.nativeUpdate?.minNativeVersion))
  let move = [("rolloutId", jsonOrNull(found.rollout?.id)), ("mandatory", .boolean(found.mandatory)), note]
  switch found.kind {
  case .upToDate: return jsonObject([("kind", .string("up-to-date")), note])
  case .nativeUpdateRequired: return jsonObject([("kind", .string("native-update-required")), note])
  case .update(let release, _, _):
    return jsonObject([("kind", .string("update")), ("releaseId", .string(release.id))] + move)
  case .embedded: return jsonObject([("kind", .string("embedded"))] + move)
  }
}
