import HotPatchPorts
import XCTest

@testable import HotPatchEngine

/// vectors/signing.json.
final class SigningTests: XCTestCase {
  private let crypto = SystemCrypto()

  func testKeys() throws {
    try VectorFile("signing").json.each("testOnlyKeys") { key in
      let hasher = crypto.sha256()
      hasher.update(try key.base64("publicKey"))
      XCTAssertEqual(keyIdOf(hexFromBytes(hasher.digest())), try key.text("keyId"))
    }
  }

  func testStatementsAreRead() throws {
    let vectors = try VectorFile("signing").json
    try vectors.each("statements") { each in
      let text = try each.text("text")
      try expectReads(text, try each.get("statement"))
      XCTAssertEqual(utf8FromText(text).count, try each.number("sizeBytes"))
      let signer = try vectors.get("testOnlyKeys").items[0].base64("publicKey")
      XCTAssertTrue(
        crypto.verifyEd25519(
          publicKey: signer, message: utf8FromText(text), signature: try each.base64("signature")), "\(each)")
    }
    try vectors.each("accepted") { try expectReads(try $0.text("text"), try $0.get("reads")) }
  }

  func testOthersAreRefused() throws {
    try VectorFile("signing").json.each("rejected") { each in
      XCTAssertThrowsError(try readReleaseStatement(try each.text("text")), "\(each)") { error in
        XCTAssertEqual((error as? UnexpectedJsonError)?.pointer, try? each.text("pointer"), "\(each): \(error)")
      }
    }
  }

  func testSignatures() throws {
    let vectors = try VectorFile("signing").json
    try vectors.each("verification") { each in
      let message = utf8FromText(try each.text("text"))
      XCTAssertEqual(try isVerified(each, message), try each.boolean("isValid"), "\(each)")
    }
    try vectors.each("digests") { each in
      let digest = try XCTUnwrap(digestSigningInput(try each.text("sha256")), "\(each)")
      XCTAssertEqual(try isVerified(each, digest), try each.boolean("isValid"), "\(each)")
    }
    try vectors.each("invalidDigests") { XCTAssertNil(digestSigningInput(try $0.text("sha256")), "\($0)") }
  }

  func testTimes() {
    let read = [
      "2027-01-31T12:00:00.000Z": 1_801_396_800_000.0, "2027-01-31T12:00:00Z": 1_801_396_800_000.0,
      "2027-01-31T12:00:00.5Z": 1_801_396_800_500.0, "2028-02-29T00:00:00.01Z": 1_835_395_200_010.0,
      "2026-12-31T24:00:00Z": 1_798_761_600_000.0, "1970-01-01T00:00:00Z": 0,
      "0000-01-01T00:00:00Z": -62_167_219_200_000.0,
    ]
    for (text, time) in read { XCTAssertEqual(timeOf(text), time, text) }
    let others = [
      "", "2027-01-31", "2027-01-31T12:00:00", "2027-01-31T12:00:00+00:00", "2027-01-31T12:00:00.Z",
      "2027-01-31T12:00:00.0000Z", "2027-01-31 12:00:00Z", "2027-13-01T00:00:00Z", "2027-01-32T00:00:00Z",
      "2027-01-01T24:00:01Z", "2027-01-01T23:60:00Z", "+002027-01-01T00:00:00Z", "2027-01-01T00:00:00Zé",
    ]
    for text in others { XCTAssertNil(timeOf(text), text) }
  }

  private func isVerified(_ each: Vector, _ message: [UInt8]) throws -> Bool {
    // What is no base64 of a signature is none for any device.
    guard let signature = bytesFromBase64(try each.text("signature")),
      let publicKey = bytesFromBase64(try each.text("publicKey"))
    else { return false }
    return crypto.verifyEd25519(publicKey: publicKey, message: message, signature: signature)
  }

  private func expectReads(_ text: String, _ expected: Vector) throws {
    let found = try readReleaseStatement(text)
    XCTAssertEqual(found.appId, try expected.text("appId"))
    XCTAssertEqual(found.platform.rawValue, try expected.text("platform"))
    XCTAssertEqual(found.target.rawValue, try expected.text("target"))
    XCTAssertEqual(found.version, try expected.text("version"))
    XCTAssertEqual(found.sequence, try expected.number("sequence"))
    XCTAssertEqual(found.floor, try expected.number("floor"))
    XCTAssertEqual(found.createdAt, try expected.text("createdAt"))
    XCTAssertEqual(written(found.requirement), try expected.get("requirement").value)
    XCTAssertEqual(found.content.map(written), expected["content"]?.value)
    let artifacts = found.artifacts.map {
      JsonValue.object(
        JsonObject([
          ("name", .string($0.name)), ("sha256", .string($0.sha256)), ("sizeBytes", .number(Double($0.sizeBytes))),
        ]))
    }
    XCTAssertEqual(JsonValue.array(artifacts), try expected.get("artifacts").value)
  }

  private func written(_ requirement: Requirement) -> JsonValue {
    .object(
      JsonObject([
        ("minNativeVersion", requirement.minNativeVersion.map { .string($0) }),
        ("nativeRange", requirement.nativeRange.map { .string($0) }),
        ("runtimeVersion", requirement.runtimeVersion.map { .string($0) }),
        ("minOsVersion", requirement.minOsVersion.map { .string($0) }),
        ("architectures", requirement.architectures.map { .array($0.map { .string($0) }) }),
      ]))
  }

  private func written(_ content: ReleaseContent) -> JsonValue {
    var fields: [(String, JsonValue?)] = [("kind", .string(content.kind.rawValue))]
    switch content {
    case .files: break
    case .archive(let archive):
      fields += [("tree", archive.tree.map { .string($0) }), ("encryption", archive.encryption.map { .string($0) })]
    case .binary(let files):
      let list = files.map { file in
        JsonValue.object(
          JsonObject([
            ("platform", .string(file.platform.rawValue)), ("architecture", .string(file.architecture)),
            ("format", .string(file.format)), ("deltaFrom", file.deltaFrom.map { .string($0) }),
            ("artifact", file.artifact.map { .string($0) }), ("url", file.url.map { .string($0) }),
          ]))
      }
      fields.append(("files", .array(list)))
    case .kit(let components):
      let list = components.map {
        JsonValue.object(
          JsonObject([
            ("id", .string($0.id)), ("version", .string($0.version)), ("artifact", .string($0.artifact)),
          ]))
      }
      fields.append(("components", .array(list)))
    }
    return .object(JsonObject(fields))
  }
}
