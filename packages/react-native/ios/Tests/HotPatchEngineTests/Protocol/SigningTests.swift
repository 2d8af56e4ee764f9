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

  func testTimes() throws {
    try VectorFile("signing").json.each("times") { each in
      let expected = try each["time"].map { try readInteger($0.value, $0.place, minimum: -maxSafeInteger) }
      XCTAssertEqual(timeOf(try each.text("createdAt")), expected.map(Double.init), "\(each)")
    }
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
    }
    return .object(JsonObject(fields))
  }
}
